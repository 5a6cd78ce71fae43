"""Files that the operator's own services turn into text."""
import http.server
import threading

import pytest

from knowledge import attach, unique, upload

CONTENT = b"\xd0\xcf\x11\xe0 the heron stands at the weir"
SUFFIXES = {"msg": "form", "ppt": "raw", "xls": "refuse", "wps": "slow", "pub": "huge", "one": "soon"}


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((self.path, dict(self.headers), body))
        times = sum(path == self.path for path, _, _ in self.server.asked)
        match self.path:
            case "/refuse": self.answer(422)
            case "/soon" if times == 1: self.answer(503)
            case "/slow":
                self.server.over.wait(30)
                self.answer(200)
            case "/huge":
                self.send_response(200)
                self.send_header("Content-Length", str(80 << 20))
                self.end_headers()
                try:
                    for _ in range(80):
                        self.wfile.write(b"text " * 209_715 + b"    ")
                except OSError:
                    self.close_connection = True
            case _: self.answer(200, b"# Weirs\n\nThe heron stands at the weir.\n")

    def answer(self, status: int, body: bytes = b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.asked, server.over = [], threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()


def converter(suffix: str, way: str, port: int) -> str:
    return (f"    - name: {way}\n      suffixes: [{suffix}]\n      url: http://127.0.0.1:{port}/{way}\n      reads: markdown\n"
            + ("      body: raw\n" if way == "raw" else "") + ("      timeout_seconds: 1\n" if way == "slow" else ""))


@pytest.fixture
def place(another_server, service):
    ways = "".join(converter(suffix, way, service.server_port) for suffix, way in SUFFIXES.items())
    client = another_server(config=f"ingest:\n  converters:\n{ways}").start().openai()
    return client, client.vector_stores.create(name=unique("converted")).id


def test_a_service_gets_the_file_as_it_is_and_what_it_answers_is_found(place, service):
    client, store = place
    for suffix in ("msg", "ppt"):
        # Files of equal content would be one document.
        done = attach(client, store, upload(client, f"weir.{suffix}", CONTENT + suffix.encode()))
        assert done.status == "completed", done.last_error
        found = client.vector_stores.search(store, query="heron", max_num_results=5).data
        assert any("The heron stands at the weir." in part.text for hit in found for part in hit.content)
    (form,) = [asked for asked in service.asked if asked[0] == "/form"]
    assert form[1]["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="input.msg"' in form[2] and CONTENT in form[2]
    (raw,) = [asked for asked in service.asked if asked[0] == "/raw"]
    assert raw[1]["Content-Type"] == "application/octet-stream" and raw[2] == CONTENT + b"ppt"


@pytest.mark.parametrize("suffix, words", [
    ("xls", "could not read this file"), ("wps", "took longer than 1 seconds"), ("pub", "made more than 64 MiB")])
def test_what_a_service_cannot_do_fails_its_document_with_the_reason(place, suffix, words):
    client, store = place
    failed = attach(client, store, upload(client, f"weir.{suffix}", CONTENT))
    assert failed.status == "failed"
    assert f"The converter '{SUFFIXES[suffix]}'" in failed.last_error.message and words in failed.last_error.message


def test_a_service_that_is_not_there_yet_is_asked_again(place, service):
    client, store = place
    done = attach(client, store, upload(client, "weir.one", CONTENT))
    assert done.status == "completed", done.last_error
    assert sum(path == "/soon" for path, _, _ in service.asked) == 2
