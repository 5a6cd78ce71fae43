"""A model server whose model calls every function that it is offered, twice and both calls in pieces; answers with JSON
where a shape is asked for; repeats the results of functions; and thinks before each."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
CALLS = [{"city": "Oslo", "days": 2}, {"city": "Rome", "days": 3}]


class ToolCaller:
    def __init__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self._begin("application/json")
        self.wfile.write(json.dumps({"object": "list", "data": [
            {"id": "caller", "object": "model", "created": 0, "owned_by": "fake"}]}).encode())

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        results = [message["content"] for message in body["messages"] if message["role"] == "tool"]
        if body.get("tools") and not results:
            deltas, finish = list(self._calls(body["tools"][0]["function"]["name"])), "tool_calls"
        else:
            text = json.dumps(CALLS[0]) if body.get("response_format") else " ".join(results) or "Hello."
            deltas, finish = [{"content": character} for character in text], "stop"
        self._begin("text/event-stream")
        for delta in [{"role": "assistant"}, {"reasoning_content": "Let me"}, {"reasoning_content": " see."}, *deltas]:
            self._chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}])
        self._chunk(choices=[{"index": 0, "delta": {}, "finish_reason": finish}])
        self._chunk(choices=[], usage=USAGE)
        self.wfile.write(b"data: [DONE]\n\n")

    def _calls(self, name: str):
        for number, arguments in enumerate(CALLS):
            yield {"tool_calls": [{"index": number, "id": f"call_{number}", "type": "function",
                                   "function": {"name": name, "arguments": ""}}]}
            for piece in json.dumps(arguments).split(" "):
                yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}

    def _begin(self, kind: str):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def _chunk(self, **fields):
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "caller", **fields}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
