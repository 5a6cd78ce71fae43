"""A model server that does as it is told: the last part of the model's name says how it behaves.

    echo             answers with the request itself, as JSON: {"messages": …, "params": …}
    obey             repeats every [n] it finds in the last message, and adds a [99] that nobody offered
    words:N          N words
    trickle          a word every tenth of a second, for ever
    stall            one word, then silence
    call             a call of the tool `weather`, its arguments in pieces
    likely           two words with log probabilities, in the shape of the path that was asked
    never            no answer at all
    status:N         refuses with status N; 429 comes with `retry-after: 7`
    garbage          status 200 and something that is not an answer
    midstream-error  one word, then an error event
    reset            one word, then a reset of the connection

Every request is kept, with the moment at which its connection was given up by the other side.
"""
import json
import re
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "upstream-secret-42"
LISTED = ["echo", "obey", "words:20", "vendor/echo"]


@dataclass
class Request:
    path: str
    body: dict
    key: str
    abandoned: float | None = None  # time.monotonic() of the moment the caller hung up before the answer was complete


class Upstream:
    """Runs in threads of this process. `requests` is everything it was asked, in order."""

    def __init__(self):
        self.requests: list[Request] = []
        owner = self

        class Handler(_Handler):
            upstream = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def asked(self, model: str) -> list[Request]:
        return [request for request in list(self.requests) if request.body.get("model") == model]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream: Upstream

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._json(200, {"object": "list", "data": [
            {"id": model, "object": "model", "created": 0, "owned_by": "fake"} for model in LISTED]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        request = Request(self.path, body, self.headers.get("Authorization", ""))
        self.upstream.requests.append(request)
        try:
            self._answer(body)
        except (BrokenPipeError, ConnectionResetError):
            request.abandoned = time.monotonic()
            self.close_connection = True

    def _answer(self, body: dict):
        kind, _, argument = body.get("model", "").split("/")[-1].partition(":")
        if kind == "never":
            return self._wait(600)
        if kind == "status":
            after = {"retry-after": "7"} if argument == "429" else {}
            return self._json(int(argument), {"error": {"message": f"status {argument}", "type": "fake"}}, after)
        if kind == "garbage":
            return self._send(200, b"<html>this is a proxy</html>", "text/html")
        self.legacy = not self.path.endswith("/chat/completions")
        words = self._words(kind, argument, body)
        usage = {"prompt_tokens": 7, "completion_tokens": len(words), "total_tokens": 7 + len(words)}
        if body.get("stream"):
            self._stream(kind, words, usage, body)
        else:
            if kind in ("trickle", "stall"):
                self._wait(600)
            message = {"role": "assistant", "content": "".join(words)}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            self._json(200, {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"],
                             "choices": [choice], "usage": usage})

    def _words(self, kind: str, argument: str, body: dict) -> list[str]:
        if kind == "echo":
            params = {name: value for name, value in body.items() if name != "messages"}
            return [json.dumps({"messages": body.get("messages"), "params": params})]
        if kind == "obey":
            last = json.dumps(body["messages"][-1]["content"])
            found = dict.fromkeys(re.findall(r"\[\d+\]", last))
            return ["The sources are", *(f" {marker}" for marker in found), " and", " [9", "9]", " as well."]
        if kind == "likely":
            return ["one ", "two "]
        return ["word "] * int(argument) if kind == "words" else ["one ", "two ", "three"]

    def _stream(self, kind: str, words: list[str], usage: dict, body: dict):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        if kind == "call":
            return self._call(body)
        for word in words if kind == "likely" else []:
            self._event(body, {"content": word}, logprobs=self._logprobs(word))
        if kind == "likely":
            self._event(body, {}, finish="stop")
            return self._line("[DONE]")
        self._event(body, {"role": "assistant", "content": words[0]})
        if kind == "stall":
            self._wait(600)
        while kind == "trickle":
            self._wait(0.1)
            self._event(body, {"content": "word "})
        if kind == "midstream-error":
            return self._line(json.dumps({"error": {"message": "the model broke", "type": "fake"}}))
        if kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return self.connection.close()
        for word in words[1:]:
            self._event(body, {"content": word})
        self._event(body, {}, finish="stop")
        if (body.get("stream_options") or {}).get("include_usage"):
            self._event(body, None, usage=usage)
        self._line("[DONE]")

    def _call(self, body: dict):
        first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
        self._event(body, {"role": "assistant", "content": None, "tool_calls": [first]})
        for piece in ['{"city":', ' "Ham', 'burg"}']:
            self._event(body, {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        self._event(body, {}, finish="tool_calls")
        self._line("[DONE]")

    def _logprobs(self, word: str) -> dict:
        if self.legacy:
            return {"tokens": [word], "token_logprobs": [-0.5], "top_logprobs": [{word: -0.5, "other": -1.5}],
                    "text_offset": [0]}
        likely = {"token": word, "logprob": -0.5, "bytes": list(word.encode())}
        return {"content": [{**likely, "top_logprobs": [likely]}], "refusal": None}

    def _event(self, body: dict, delta: dict | None, finish: str | None = None, logprobs: dict | None = None, **more):
        piece = {"text": (delta or {}).get("content") or ""} if self.legacy else {"delta": delta}
        choices = [] if delta is None else [{"index": 0, **piece, "finish_reason": finish, "logprobs": logprobs}]
        self._line(json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": body["model"],
                               "choices": choices, **more}))

    def _line(self, data: str):
        self.wfile.write(f"data: {data}\n\n".encode())
        self.wfile.flush()

    def _wait(self, seconds: float):
        """Waits, and raises as soon as the caller hangs up."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], left)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise BrokenPipeError

    def _json(self, status: int, value, headers=None):
        self._send(status, json.dumps(value).encode(), "application/json", headers)

    def _send(self, status: int, data: bytes, kind: str, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
