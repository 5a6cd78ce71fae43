"""Bad input gets the documented error, stores nothing by halves and harms nobody."""
import json
import select
import socket
import time

import httpx
import pytest

from knowledge import LIGHTHOUSE, attach, error, question, unique, upload

USER = [{"role": "user", "content": "Hello"}]


@pytest.fixture(autouse=True)
def unharmed(server):
    """After each of these tests, the same process still answers."""
    process = server.process.pid
    yield
    assert server.process.poll() is None and server.process.pid == process
    assert httpx.get(f"{server.base}/healthz", timeout=10).status_code == 200


@pytest.mark.parametrize("body, param", [
    ({"model": "extractive"}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "Hello"}, "messages"),
    ({"messages": None}, "messages"),
    ({"messages": [7]}, "messages[0]"),
    ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"messages": [*USER, {"role": "king", "content": "x"}]}, "messages[1].role"),
    ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": USER, "model": 7}, "model"),
    ({"messages": USER, "stream": "yes"}, "stream"),
    ({"messages": USER, "temperature": 3}, "temperature"),
    ({"messages": USER, "temperature": -0.1}, "temperature"),
    ({"messages": USER, "temperature": "hot"}, "temperature"),
    ({"messages": USER, "top_p": 1.5}, "top_p"),
    ({"messages": USER, "max_tokens": 0}, "max_tokens"),
    ({"messages": USER, "max_tokens": -1}, "max_tokens"),
    ({"messages": USER, "max_tokens": 1.5}, "max_tokens"),
    ({"messages": USER, "presence_penalty": 5}, "presence_penalty"),
    ({"messages": USER, "stop": ["a", "b", "c", "d", "e"]}, "stop"),
    ({"messages": USER, "n": 0}, "n"),
    ({"messages": USER, "alan": "expert"}, "alan"),
    ({"messages": USER, "alan": {"expert_id": 7}}, "alan.expert_id"),
    ({"messages": USER, "alan": {"knowledgebase_ids": "all"}}, "alan.knowledgebase_ids"),
    ({"messages": USER, "alan": {"knowledgebase_ids": [7]}}, "alan.knowledgebase_ids[0]"),
    ({"messages": USER, "alan": {"knowledgebase_mode": "sideways"}}, "alan.knowledgebase_mode"),
], ids=lambda value: json.dumps(value)[:80] if isinstance(value, dict) else value)
def test_a_wrong_chat_request_is_refused_and_the_param_says_where(http, body, param):
    error(http.post("/v1/chat/completions", json=body), 400, param)


@pytest.mark.parametrize("path, body, param", [
    ("/v1/embeddings", {"model": "all-MiniLM-L6-v2"}, "input"),
    ("/v1/embeddings", {"model": "all-MiniLM-L6-v2", "input": []}, "input"),
    ("/v1/embeddings", {"model": "all-MiniLM-L6-v2", "input": {"a": 1}}, "input"),
    ("/v1/embeddings", {"model": "all-MiniLM-L6-v2", "input": "x", "encoding_format": "hex"}, "encoding_format"),
    ("/v1/vector_stores", {"name": 7}, "name"),
    ("/v1/vector_stores", {"name": "x", "file_ids": "all"}, "file_ids"),
    ("/v1/vector_stores/STORE/search", {}, "query"),
    ("/v1/vector_stores/STORE/search", {"query": 7}, "query"),
    ("/v1/vector_stores/STORE/search", {"query": "x", "max_num_results": 0}, "max_num_results"),
    ("/v1/vector_stores/STORE/search", {"query": "x", "max_num_results": 51}, "max_num_results"),
    ("/v1/vector_stores/STORE/files", {}, "file_id"),
    ("/api/v1/experts", {"settings": {}}, "title"),
    ("/api/v1/experts", {"title": "x", "settings": {"temperature": "hot"}}, "settings.temperature"),
    ("/api/v1/experts", {"title": "x", "settings": {"knowledgebase_ids": "all"}}, "settings.knowledgebase_ids"),
    ("/api/v1/knowledgebases", {}, "title"),
])
def test_a_wrong_request_is_refused_and_the_param_says_where(http, light, path, body, param):
    error(http.post(path.replace("STORE", light), json=body), 400, param)


@pytest.mark.parametrize("static", [
    {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 0},
    {"max_chunk_size_tokens": 5000, "chunk_overlap_tokens": 0},
    {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 101},
])
def test_chunk_sizes_out_of_range_are_refused(http, client, light, static):
    file = upload(client, "chunks.md", LIGHTHOUSE)
    body = {"file_id": file, "chunking_strategy": {"type": "static", "static": static}}
    found = error(http.post(f"/v1/vector_stores/{light}/files", json=body), 400)
    assert (found["param"] or "").startswith("chunking_strategy"), found


@pytest.mark.parametrize("data", [
    b"", b'{"model": ', b"[]", b'"text"', b"null", b"\xff\xfe\x00", b'{"messages": [{"role": "user", "content": "\xff"}]}',
    b"[" * 100_000, b'{"a":' * 20_000, b'{"messages": 1e999}', b"model=extractive&messages=x",
], ids=["nothing", "cut off", "list", "text", "null", "not UTF-8", "bad UTF-8 inside", "deep list", "deep object",
        "huge number", "form"])
def test_what_is_no_json_object_is_refused(http, data):
    error(http.post("/v1/chat/completions", content=data, headers={"Content-Type": "application/json"}), 400)


def test_a_wrong_key_or_none_is_refused_everywhere(server, light):
    paths = ["/v1/models", "/v1/files", "/v1/vector_stores", f"/v1/vector_stores/{light}", "/api/v1/experts",
             "/api/v1/knowledgebases", "/api/v1/keys"]
    wrong = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {server.key}"},
             {"Authorization": "Bearer"}, {"X-API-KEY": server.key[:-1]}, {"X-API-KEY": server.key + "0"}]
    for path in paths:
        for headers in wrong:
            error(httpx.get(server.base + path, headers=headers), 401, code="invalid_api_key")
    for headers in wrong:
        error(httpx.post(f"{server.base}/v1/chat/completions", headers=headers, json=question("x")), 401)


def test_unknown_paths_and_methods_are_refused_as_errors(http):
    error(http.get("/v1/nothing/here"), 404)
    error(http.get("/v1/chat/completions"), {404, 405})
    error(http.put("/v1/models", json={}), {404, 405})


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings", "/api/v1/experts", "/v1/files"])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(server, path):
    kind = "multipart/form-data; boundary=x" if path.endswith("files") else "application/json"
    status, sent, text = send_endlessly(server, path, kind, announced=64 << 30)
    # What is sent is no multipart either, and a server may notice that first.
    assert status in ({400, 413} if path.endswith("files") else {413}), text[:200]
    assert "x-request-id" in text.lower() and '"error"' in text and sent <= 64 << 20


def test_a_large_body_without_the_key_is_refused_unread(server):
    status, sent, _ = send_endlessly(server, "/v1/files", "multipart/form-data; boundary=x", 8 << 30, key="wrong")
    assert status == 401 and sent <= 32 << 20


def multipart(*parts: tuple[str, bytes], boundary=b"frontier", end=b"--") -> bytes:
    body = b"".join(b"--" + boundary + b"\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data + b"\r\n"
                    for head, data in parts)
    return body + b"--" + boundary + end + b"\r\n"


PURPOSE = ('name="purpose"', b"assistants")
FILE = ('name="file"; filename="half.txt"', b"Half a file.")


@pytest.mark.parametrize("kind, body", [
    ("multipart/form-data", multipart(PURPOSE, FILE)),
    ("multipart/form-data; boundary=other", multipart(PURPOSE, FILE)),
    ("multipart/form-data; boundary=frontier", multipart(PURPOSE)),
    ("multipart/form-data; boundary=frontier", multipart(PURPOSE, FILE)[:-40]),
    ("multipart/form-data; boundary=frontier", multipart(PURPOSE, FILE, end=b"")),
    ("multipart/form-data; boundary=frontier", b""),
    ("multipart/form-data; boundary=frontier", b"--frontier\r\n" + b"X-Junk: " + b"j" * 100_000),
    ("multipart/form-data; boundary=" + "b" * 500, b""),
], ids=["no boundary", "another boundary", "no file", "cut off", "no end", "empty", "endless header", "long boundary"])
def test_broken_multipart_is_refused_and_stores_nothing(http, client, kind, body):
    before = {file.id for file in client.files.list()}
    error(http.post("/v1/files", content=body, headers={"Content-Type": kind}), 400)
    assert {file.id for file in client.files.list()} == before


def test_a_file_that_is_sent_as_json_is_refused(http):
    error(http.post("/v1/files", json={"file": "text", "purpose": "assistants"}), {400, 415})


GARBAGE = bytes((n * 197 + n // 7) % 256 for n in range(20_000))


@pytest.mark.parametrize("name, data, codes", [
    ("garbage.txt", GARBAGE, {"unsupported_file", "invalid_file"}),
    ("zeros.txt", bytes(5000), {"unsupported_file", "invalid_file"}),
    # Nobody reads pictures where there is no tesseract; where there is, it finds that this is none.
    ("picture.xyz", b"\x89PNG\r\n\x1a\n" + GARBAGE, {"unsupported_file", "invalid_file"}),
    ("blank.md", b" \n\n \t\n", {"invalid_file"}),
])
def test_a_file_that_cannot_be_read_fails_alone_and_says_why(client, name, data, codes):
    store = client.vector_stores.create(name=unique("mixed")).id
    good = attach(client, store, upload(client, "lighthouse.md", LIGHTHOUSE))
    bad = attach(client, store, upload(client, name, data))
    assert good.status == "completed"
    assert bad.status == "failed" and bad.last_error.code in codes and len(bad.last_error.message) > 10
    counts = client.vector_stores.retrieve(store).file_counts
    assert (counts.completed, counts.failed, counts.in_progress) == (1, 1, 0)
    assert {each.filename for each in client.vector_stores.search(store, query="keeper").data} == {"lighthouse.md"}


def test_an_empty_file_is_refused(http):
    sent = http.post("/v1/files", files={"file": ("empty.txt", b"")}, data={"purpose": "assistants"})
    error(sent, 400)


@pytest.mark.parametrize("name", ["../../escape.txt", "/etc/escape.txt", "..\\escape.txt", "a\r\nX-Evil: 1.txt",
                                  "ü" * 120 + ".txt", '"quoted".txt'])
def test_a_file_name_is_data_and_never_a_path(server, http, client, name):
    sent = http.post("/v1/files", files={"file": (name, b"The ship sails at noon.")}, data={"purpose": "assistants"})
    assert sent.status_code in (200, 201, 400), sent.text
    assert not [path for path in server.folder.rglob("*escape*")]
    if sent.status_code < 300:
        back = http.get(f"/v1/files/{sent.json()['id']}/content")
        assert back.content == b"The ship sails at noon." and "x-evil" not in back.headers


def send_endlessly(server, path: str, kind: str, announced: int, key: str | None = None) -> tuple[int, int, str]:
    """Announces a huge body and sends it until the server answers: the status, the bytes sent, the answer's text."""
    head = (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {key or server.key}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {announced}\r\n\r\n")
    block, sent, answer = b" " * (1 << 20), 0, b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(head.encode())
        time.sleep(0.2)
        while sent < announced:
            readable, writable, _ = select.select([connection], [connection], [], 60)
            if readable or not writable:
                break
            try:
                sent += connection.send(block)
            except (BrokenPipeError, ConnectionResetError):
                break
        try:
            while b"}}" not in answer and (more := connection.recv(65536)):
                answer += more
        except (ConnectionResetError, TimeoutError):
            pass
    text = answer.decode(errors="replace")
    assert text.startswith("HTTP/1.1 "), f"no answer after {sent} bytes"
    return int(text.split()[1]), sent, text
