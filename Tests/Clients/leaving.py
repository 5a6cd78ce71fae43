"""Clients that leave before their answer is there, many at a time, and what that leaves behind in the server."""
import concurrent.futures
import json
import os
import random
import socket
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

from server import Server
from upstream import KEY, Upstream

# How long the upstream may go on after its reader's reader left, in seconds, before that counts as never.
PATIENCE = 20


@dataclass
class Footprint:
    """What a process holds."""
    descriptors: int
    threads: int
    megabytes: float

    @classmethod
    def of(cls, pid: int) -> "Footprint":
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return cls(len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"]), int(status["VmRSS"].split()[0]) / 1024)


@dataclass
class Report:
    """Seconds from each client's leaving until the upstream saw its own connection end; None where it never did."""
    delays: list[float | None] = field(default_factory=list)
    before: Footprint | None = None
    after: Footprint | None = None

    @property
    def cancelled(self) -> int:
        return sum(delay is not None for delay in self.delays)

    def percentile(self, share: float) -> float:
        delays = sorted(delay if delay is not None else PATIENCE for delay in self.delays)
        return delays[min(len(delays) - 1, int(share * len(delays)))]


def configuration(upstream: Upstream) -> str:
    return (f'providers:\n  - name: slow\n    base_url: "{upstream.url}"\n    api_key: "{KEY}"\n'
            '    models: ["trickle", "never", "words:20"]\n')


def leave(server: Server, upstream: Upstream, path: str, body: dict, stream: bool, count: int, width: int = 16) -> Report:
    """Lets `count` clients ask and leave, `width` at a time: half before the first word, half in the middle of a stream,
    some by closing and some by resetting their connection."""
    report = Report(before=settled(server.process.pid))
    with concurrent.futures.ThreadPoolExecutor(width) as pool:
        report.delays = list(pool.map(
            lambda number: ask_and_leave(server, upstream, path, body, stream, number), range(count)))
    report.after = settled(server.process.pid, report.before)
    return report


def ask_and_leave(server: Server, upstream: Upstream, path: str, body: dict, stream: bool, number: int) -> float | None:
    name = f"leaver-{number}-{random.getrandbits(64):016x}"
    hears = stream and number % 2 == 0
    sent = json.dumps(body | {"model": "trickle" if hears else "never", "stream": stream, "user": name}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall((f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.key}\r\n"
                            f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n").encode() + sent)
        received = b""
        while hears and b"word" not in received:
            more = connection.recv(65536)
            assert more, f"the server ended an answer by itself: {received[-300:]}"
            received += more
        asked = wait(lambda: next((each for each in reversed(upstream.requests) if each.body.get("user") == name), None))
        assert asked, "the model was asked"
        if number % 4 >= 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    left = time.monotonic()
    ended = wait(lambda: asked.abandoned)
    return max(0.0, ended - left) if ended else None


def settled(pid: int, wanted: Footprint | None = None) -> Footprint:
    """The footprint, once it is no larger than another one or as soon as it changes no more."""
    last = Footprint.of(pid)
    quiet = time.monotonic()
    end = quiet + PATIENCE
    while time.monotonic() < end:
        time.sleep(0.1)
        now = Footprint.of(pid)
        if now.descriptors != last.descriptors:
            last, quiet = now, time.monotonic()
        enough = now.descriptors <= wanted.descriptors if wanted else time.monotonic() - quiet > 1
        if enough:
            return now
    return last


def wait(condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (found := condition()) is not None:
            return found
        time.sleep(0.005)
    return None
