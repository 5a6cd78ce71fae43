"""Others are told of what was done, in messages that OpenAI's own client accepts."""
import http.server
import json
import threading
import time

import openai
import pytest

from knowledge import LIGHTHOUSE, MILL, attach, unique, upload

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Fails the first message it gets, and takes all others."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.messages.append((dict(self.headers), body))
        self.send_response(500 if len(self.server.messages) == 1 else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.messages = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_webhooks_are_signed_told_again_until_heard_and_survive_a_crash(another_server, receiver):
    server = another_server()
    (server.folder / "almanac.yaml").write_text(
        f"webhooks:\n  - url: http://127.0.0.1:{receiver.server_port}/hook\n    secret: {SECRET}\n"
        "    events: [document.completed, document.failed, batch.completed]\n")
    server.start()
    client = server.openai()
    store = client.vector_stores.create(name=unique("told")).id
    assert attach(client, store, upload(client, "mill.md", MILL)).status == "completed"
    deadline = time.monotonic() + 30
    while not receiver.messages:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    server.kill()  # the first message was not heard
    server.start()
    client = server.openai()
    files = [upload(client, "lighthouse.md", LIGHTHOUSE), upload(client, "blank.txt", "  ")]
    batch = client.vector_stores.file_batches.create_and_poll(vector_store_id=store, file_ids=files, poll_interval_ms=100)

    def heard() -> list[dict]:
        return [json.loads(body) for _, body in receiver.messages[1:]]

    while len(heard()) < 4:
        assert time.monotonic() < deadline + 30, heard()
        time.sleep(0.05)
    assert sorted(message["type"] for message in heard()) == [
        "batch.completed", "document.completed", "document.completed", "document.failed"]
    told, = (message["data"] for message in heard() if message["type"] == "batch.completed")
    assert told == {"batch_id": batch.id, "knowledgebase_id": store}
    failed, = (message["data"] for message in heard() if message["type"] == "document.failed")
    assert failed["reason"] == "empty" and failed["message"]
    for headers, body in receiver.messages:
        client.webhooks.verify_signature(payload=body.decode(), headers=headers, secret=SECRET)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        headers, body = receiver.messages[0]
        client.webhooks.verify_signature(payload=body.decode() + " ", headers=headers, secret=SECRET)
    first = receiver.messages[0][0]["webhook-id"]
    assert [headers["webhook-id"] for headers, _ in receiver.messages].count(first) == 2, "told again under the same id"
    server.stop()


def test_wrong_webhook_settings_are_refused(another_server):
    server = another_server()
    for settings, word in [("url: http://x/\n    secret: short", "secret"), ("url: ftp://x/\n    secret: " + SECRET, "url"),
                           (f"url: http://x/\n    secret: {SECRET}\n    events: [job.exploded]", "events"),
                           (f"url: http://x/\n    sekret: {SECRET}", "secret")]:
        (server.folder / "almanac.yaml").write_text(f"webhooks:\n  - {settings}\n")
        done = server.run("serve", "--port", "0", timeout=30)
        assert done.returncode == 2 and word in done.stderr, done.stderr
