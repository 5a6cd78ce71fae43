"""Asks a chat endpoint over connections that stay open, as fast as the clients can, and tells how long each answer took."""
import asyncio
import json
import time


class Client:
    """One connection and what is sent over it."""

    def __init__(self, port: int, path: str, key: str):
        self.port, self.path, self.key = port, path, key

    async def __aenter__(self) -> "Client":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    async def ask(self, body: dict) -> float:
        """Seconds from the first byte sent to the last received."""
        data = json.dumps(body).encode()
        head = (f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n")
        start = time.perf_counter()
        self.writer.write(head.encode() + data)
        await self._answer()
        return time.perf_counter() - start

    async def _answer(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if "\r\ntransfer-encoding: chunked" in head:
            body = b""
            while size := int(await self.reader.readline(), 16):
                body += await self.reader.readexactly(size)
                await self.reader.readline()
            await self.reader.readline()
        else:
            length = int(head.split("content-length:", 1)[1].split("\r\n", 1)[0])
            body = await self.reader.readexactly(length)
        assert head.startswith("http/1.1 200"), f"{head}\n{body[:500]}"


async def latencies(port: int, path: str, key: str, bodies: list[dict]) -> list[float]:
    """One client, one request after the other."""
    async with Client(port, path, key) as client:
        return [await client.ask(body) for body in bodies]


async def throughput(port: int, path: str, key: str, bodies: list[dict], clients: int, seconds: float) -> float:
    """Answers a second to so many clients at once."""
    end = time.perf_counter() + seconds

    async def one(first: int) -> int:
        count = 0
        async with Client(port, path, key) as client:
            while time.perf_counter() < end:
                await client.ask(bodies[(first + count * clients) % len(bodies)])
                count += 1
        return count

    start = time.perf_counter()
    done = sum(await asyncio.gather(*(one(number) for number in range(clients))))
    return done / (time.perf_counter() - start)
