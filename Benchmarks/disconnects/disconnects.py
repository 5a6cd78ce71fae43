"""Clients who leave before their answer is there, a thousand for each route and kind of answer.

    .venv/clients/bin/python Benchmarks/disconnects/disconnects.py [--count 1000]

The model server behind trickles or says nothing at all. Every one of its requests must end soon after the client left, and
file descriptors, threads and memory of the server must be what they were. Exits with 1 where they are not. Uses the program
at ALMANAC_BIN, or the release build.
"""
import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("ALMANAC_BIN", str(ROOT / ".build/release/almanac"))
sys.path.insert(0, str(ROOT / "Tests/Clients"))
from leaving import configuration, leave  # noqa: E402
from server import Server  # noqa: E402
from upstream import Upstream  # noqa: E402

QUESTION = "Tell me a long story."
ROUTES = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": QUESTION}]},
    "/v1/completions": {"prompt": QUESTION},
    "/v1/responses": {"input": QUESTION},
}
# What may stay: connections to the database, which open when they are first needed, and megabytes of the allocator's pools.
SPARE_DESCRIPTORS, SPARE_THREADS, SPARE_MEGABYTES = 4, 4, 16


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--count", type=int, default=1_000, help="clients for each route and kind of answer")
    arguments.add_argument("--width", type=int, default=16, help="clients at a time")
    options = arguments.parse_args()
    upstream = Upstream()
    failed = False
    print(f"{'route':34} {'answer':8} {'cancelled':>10} {'p50 s':>7} {'p99 s':>7} {'descriptors':>12} {'threads':>9} {'MB':>15}")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), configuration(upstream)).start()
        for path, body in ROUTES.items():
            for stream in (True, False):
                # The first ones fill pools that stay.
                leave(server, upstream, path, body, stream, 100, options.width)
                report = leave(server, upstream, path, body, stream, options.count, options.width)
                before, after = report.before, report.after
                print(f"{path:34} {'streamed' if stream else 'whole':8} {report.cancelled:>5}/{options.count:<4} "
                      f"{report.percentile(0.5):7.3f} {report.percentile(0.99):7.3f} "
                      f"{before.descriptors:>5} → {after.descriptors:<4} {before.threads:>3} → {after.threads:<3} "
                      f"{before.megabytes:6.1f} → {after.megabytes:.1f}", flush=True)
                failed |= (report.cancelled < options.count or after.descriptors > before.descriptors + SPARE_DESCRIPTORS
                           or after.threads > before.threads + SPARE_THREADS
                           or after.megabytes > before.megabytes + SPARE_MEGABYTES)
        server.stop()
    upstream.close()
    print("failed" if failed else "all of them left nothing behind")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
