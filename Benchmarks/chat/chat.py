"""What a chat with a knowledge base costs on top of its model, beside a proxy that looks nothing up.

    .venv/clients/bin/python Benchmarks/chat/chat.py [--chunks 100000] [--data DIR] [--json FILE]

A model server that answers at once stands behind Almanac, which embeds each question, searches a knowledge base of 100,000
chunks by meaning and words, and puts what it finds before the question; and behind the `litellm` proxy, which passes the
question on. Both are measured in turns, so that both meet the same machine: one client for latency, eight for throughput.
What the model server takes when it is asked directly is taken off.

The knowledge base is made of seeded sentences, ten words each, and kept at --data for further runs. The proxy comes from PyPI into an environment of its own. Exits with 1 where Almanac adds more
than half of what the proxy adds at the median, more at its 99th percentile than the proxy at its median, or serves less
than five times as many requests.
"""
import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("ALMANAC_BIN", str(ROOT / ".build/release/almanac"))
sys.path.insert(0, str(ROOT / "Tests/Clients"))
from load import latencies, throughput  # noqa: E402
from server import Server  # noqa: E402

HERE = Path(__file__).resolve().parent
PROXY = "litellm[proxy]==1.106.2"
SECTIONS = 500
# Of a sentence.
WORDS = 10


class Language:
    """The embedding model's whole words, which its vocabulary has in the order of how frequent they are, drawn as often as a
    language uses them (Mandelbrot, 1953): a question has as many tokens and finds as many chunks as one of a person."""

    def __init__(self):
        models = Path(os.environ.get("ALMANAC_MODELS", Path.home() / ".cache/almanac/models"))
        lines = (models / "all-MiniLM-L6-v2/vocab.txt").read_text().split("\n")
        self.words = [line for line in lines[lines.index("the"):] if line.isascii() and line.isalpha() and len(line) > 1]
        self.chances = list(accumulate(1 / (rank + 2.7) for rank in range(1, len(self.words) + 1)))

    def sentence(self, chance: random.Random) -> str:
        return " ".join(chance.choices(self.words, cum_weights=self.chances, k=WORDS)).capitalize() + "."


def section(language: Language, number: int) -> str:
    chance = random.Random(number)
    return f"# Entry {number}\n\n" + " ".join(language.sentence(chance) for _ in range(5))


def fill(server: Server, chunks: int) -> str:
    """The knowledge base, made or completed."""
    language = Language()
    with server.http() as http:
        bases = {base["title"]: base for base in http.get("/api/v1/knowledgebases").json()["knowledgebases"]}
        base = bases.get("benchmark") or http.post("/api/v1/knowledgebases", json={"title": "benchmark"}).json()
        documents = -(-chunks // SECTIONS)
        if base["document_counts"]["completed"] >= documents:
            return base["id"]

        def put(number: int):
            text = "\n\n".join(section(language, number * SECTIONS + each) for each in range(SECTIONS))
            answer = http.put(f"/api/v1/knowledgebases/{base['id']}/documents/{number}.md", content=text.encode(),
                              headers={"Content-Type": "text/markdown"})
            assert answer.status_code in (200, 202), answer.text

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(put, range(documents)))
        while (state := http.get(f"/api/v1/knowledgebases/{base['id']}").json())["status"] == "indexing":
            counts = state["document_counts"]
            print(f"\rindexing: {counts['completed']} of {counts['total']} documents", end="", file=sys.stderr)
            time.sleep(2)
        print(file=sys.stderr)
        assert state["document_counts"]["completed"] == documents, state
        return base["id"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_proxy(upstream: int, folder: Path) -> tuple[subprocess.Popen, int]:
    environment = folder / "litellm"
    if not (environment / "bin/litellm").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin/pip", "install", "--quiet", "--disable-pip-version-check", PROXY], check=True)
    configuration = folder / "litellm.yaml"
    configuration.write_text(
        "model_list:\n  - model_name: fast\n    litellm_params: {model: openai/fast, api_key: none, "
        f'api_base: "http://127.0.0.1:{upstream}/v1"}}\nlitellm_settings: {{telemetry: false}}\n')
    port = free_port()
    with (folder / "litellm.log").open("wb") as log:
        process = subprocess.Popen(
            [environment / "bin/litellm", "--config", configuration, "--port", str(port), "--host", "127.0.0.1",
             "--num_workers", "1"],
            env=os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR",
                              "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
                              "PATH": f"{environment}/bin:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    wait(port, process, "/health/liveliness")
    return process, port


def wait(port: int, process: subprocess.Popen, path: str):
    end = time.monotonic() + 180
    while time.monotonic() < end:
        assert process.poll() is None, "a server did not start; see its log"
        try:
            if httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code < 500:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError("a server did not become ready")


def questions(count: int, chunks: int) -> list[str]:
    """Sentences that are there, each asked once."""
    language = Language()
    return [language.sentence(random.Random(number)) for number in random.Random(99).sample(range(chunks), count)]


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(
    ways: dict[str, tuple[int, str, str]], base: str, chunks: int, rounds: int, each: int, seconds: float
) -> dict[str, dict]:
    """Both kinds of figures of each way to the model, in turns."""
    asked = iter(questions((rounds + 2) * each * len(ways), chunks))

    def bodies(way: str, count: int) -> list[dict]:
        more = {"alan": {"knowledgebase_ids": [base]}} if way == "almanac" else {}
        return [{"model": "fast", "messages": [{"role": "user", "content": next(asked)}], **more} for _ in range(count)]

    times: dict[str, list[float]] = {way: [] for way in ways}
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for way, place in ways.items():
        asyncio.run(latencies(*place, bodies(way, each)))  # warm
    for _ in range(rounds):
        for way, place in ways.items():
            times[way] += asyncio.run(latencies(*place, bodies(way, each)))
    load = {way: bodies(way, each) for way in ways}
    for _ in range(3):
        for way, place in ways.items():
            rates[way].append(asyncio.run(throughput(*place, load[way], 8, seconds)))
    direct = percentile(times["direct"], 0.5)
    return {way: {
        "p50_ms": 1e3 * percentile(times[way], 0.5), "p99_ms": 1e3 * percentile(times[way], 0.99),
        "added_p50_ms": 1e3 * (percentile(times[way], 0.5) - direct), "added_p99_ms": 1e3 * (percentile(times[way], 0.99) - direct),
        "requests_per_second": sorted(rates[way])[1]} for way in ways}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--chunks", type=int, default=100_000)
    arguments.add_argument("--data", type=Path, default=ROOT / ".build/benchmark-chat", help="where things are kept")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--each", type=int, default=100, help="requests of a round")
    arguments.add_argument("--seconds", type=float, default=10, help="of each throughput measurement")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    port = free_port()
    upstream = subprocess.Popen([sys.executable, HERE / "upstream.py", str(port)])
    processes, server = [upstream], None
    try:
        wait(port, upstream, "/v1/models")
        server = Server(options.data / f"chunks-{options.chunks}", ALMANAC_UPSTREAM_URL=f"http://127.0.0.1:{port}/v1",
                        ALMANAC_UPSTREAM_KEY="none", ALMANAC_LOG_LEVEL="warning").start()
        base = fill(server, options.chunks)
        proxy, proxy_port = start_proxy(port, options.data)
        processes.append(proxy)
        path = "/v1/chat/completions"
        found = measure({"direct": (port, path, "none"), "almanac": (server.port, path, server.key),
                         "litellm": (proxy_port, path, "none")}, base, options.chunks, options.rounds, options.each, options.seconds)
    finally:
        if server and server.process:
            server.discard()
        for process in processes:
            process.kill()
            process.wait()
    print(f"{'':8} {'p50 ms':>8} {'p99 ms':>8} {'added p50':>10} {'added p99':>10} {'requests/s':>11}")
    for way, figures in found.items():
        print(f"{way:8} " + " ".join(f"{value:{width}.1f}" for value, width in zip(figures.values(), (8, 8, 10, 10, 11))))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    ours, theirs = found["almanac"], found["litellm"]
    kept = [ours["added_p50_ms"] <= theirs["added_p50_ms"] / 2, ours["added_p99_ms"] <= theirs["added_p50_ms"],
            ours["requests_per_second"] >= 5 * theirs["requests_per_second"]]
    for promise, holds in zip(["half of its median", "our 99th percentile below its median", "five times its requests"], kept):
        print(f"{'yes' if holds else 'NO ':3}  {promise}")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
