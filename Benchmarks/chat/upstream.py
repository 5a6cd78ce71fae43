"""A model server that answers every chat at once with the same few words: what is left to measure is what stands before it.

    python upstream.py PORT
"""
import asyncio
import json
import sys

ANSWER = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "fast", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "The sources say so. [1]"}, "finish_reason": "stop", "logprobs": None}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 6, "total_tokens": 13}}
MODELS = {"object": "list", "data": [{"id": "fast", "object": "model", "created": 0, "owned_by": "fake"}]}
CHUNKS = [{"role": "assistant", "content": "The sources"}, {"content": " say so."}, {"content": " [1]"}]


def http(value: dict) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def events() -> bytes:
    def chunk(choices, **more):
        value = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fast", "choices": choices}
        return f"data: {json.dumps(value | more)}\n\n"

    lines = [chunk([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in CHUNKS]
    lines += [chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}]), chunk([], usage=ANSWER["usage"]), "data: [DONE]\n\n"]
    body = "".join(lines).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body) + body


WHOLE, STREAM, LIST = http(ANSWER), events(), http(MODELS)


class Connection(asyncio.Protocol):
    """Requests with a Content-Length, one after the other; nothing else ever comes here."""

    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            place = head.find(b"content-length:")
            length = int(head[place + 15:].split(b"\r\n", 1)[0]) if place >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4:end + 4 + length], self.buffer[end + 4 + length:]
            streams = b'"stream":true' in body.replace(b" ", b"")
            self.transport.write(LIST if head.startswith(b"get") else STREAM if streams else WHOLE)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()


asyncio.run(main())
