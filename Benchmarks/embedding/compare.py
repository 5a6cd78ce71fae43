#!/usr/bin/env python3
"""Runs almanac and what else one could embed with in turn, and prints the ratios of the medians.

    Benchmarks/embedding/compare.py PEER_EMBED --python PEERS/bin/python [--transformers PEERS/bin/python] [--rounds 7]

PEER_EMBED measures ONNX Runtime and prints one JSON line: `peer_embed.py MODEL_DIR TEXTS --threads N`. Its interpreter needs
numpy, onnx, onnxruntime, safetensors and tokenizers; --transformers names one that has sentence-transformers, whose throughput
and questions are then measured too. The texts are made of the repository's own documents, each exactly --tokens long.
Nothing else should run meanwhile; in every round each program runs once, so that what disturbs one disturbs all.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

repository = Path(__file__).resolve().parents[2]
here = Path(__file__).resolve().parent
question = "how long is the notice period for a new tenant"  # twelve tokens, the two special ones included


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer_embed", type=Path)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers")
    parser.add_argument("--transformers", help="the interpreter that has sentence-transformers")
    parser.add_argument("--binary", type=Path, default=repository / ".build/release/almanac")
    models = Path(os.environ.get("ALMANAC_MODELS", Path.home() / ".cache/almanac/models"))
    parser.add_argument("--model", type=Path, default=models / "all-MiniLM-L6-v2", help="its folder")
    parser.add_argument("--precisions", default="", help="of almanac, separated by commas (default: its own choice)")
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if not options.binary.exists():
        sys.exit(f"{options.binary} is not there: swift build -c release --product almanac")
    with tempfile.TemporaryDirectory() as temporary:
        Comparison(options, Path(temporary)).run()


class Comparison:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.environment = os.environ | {"ALMANAC_MODELS": str(options.model.parent)}
        self.texts, self.queries = folder / "texts.txt", folder / "queries.txt"
        self.figures = {}

    def run(self):
        self.write_texts()
        self.queries.write_text(question + "\n")
        for number in range(self.options.rounds):
            print(f"round {number + 1} of {self.options.rounds}", file=sys.stderr)
            self.round()
        throughput, latency = ratios(self.figures)
        table(["tokens a second", "median", "lowest", "highest", "almanac is"], throughput)
        table(["a question of 12 tokens, ms", "median", "lowest", "highest", "almanac takes"], latency)
        self.service()

    def write_texts(self):
        """Runs of words from the repository's documents, cut by the model's own tokenizer."""
        sources = [repository / "README.md", *sorted((repository / "SampleDocs").rglob("*.md"))]
        words = re.findall(r"[A-Za-z][A-Za-z'-]*[.,;:]?", "\n".join(path.read_text() for path in sources))
        script = here / "cut_texts.py"
        result = subprocess.run(
            [self.options.python, script, self.options.model / "tokenizer.json", str(self.options.texts), str(self.options.tokens)],
            input=" ".join(words), stdout=subprocess.PIPE, text=True, check=True)
        self.texts.write_text(result.stdout)

    def round(self):
        for precision in [name for name in self.options.precisions.split(",") if name] or [None]:
            one, two = self.almanac(1, precision), self.almanac(2, precision)
            name = f"almanac, {one['precision']}, {one['kernel']}"
            self.note("rate", f"{name}, 1 thread", one["tokens_per_second"])
            self.note("rate", f"{name}, 2 threads", two["tokens_per_second"])
            self.note("wait", name, one["query_p50_ms"])
            self.note("wait", f"{name}, while both threads embed documents", two["query_busy_p50_ms"])
            self.note("wait", f"{name}, the same, 99th percentile", two["query_busy_p99_ms"])
        peer = self.json([self.options.python, self.options.peer_embed, self.options.model, self.texts, "--threads", "1"])
        for name in ("fp32", "int8"):
            self.note("rate", f"ONNX Runtime, {name}, 1 thread", peer[f"ort_{name}_tokens_per_second"])
        self.peer_questions("onnx", self.options.python)
        if self.options.transformers:
            self.peer_questions("sentence-transformers", self.options.transformers)

    def almanac(self, threads, precision):
        choice = ["--precision", precision] if precision else []
        return self.json([
            self.options.binary, "bench", "embed", "--texts", self.texts, "--queries", self.queries, "--threads", threads,
            "--model", self.options.model.name, "--json", *choice,
        ])

    def peer_questions(self, kind, python):
        found = self.json([python, here / "peer_questions.py", kind, self.options.model, self.texts, question])
        for name, figure in found.items():
            group, label = name.split(":", 1)
            self.note(group, label, figure)

    def json(self, command):
        command = [str(word) for word in command]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=self.environment)
        if result.returncode != 0:
            sys.exit(f"{command[0]} failed")
        return json.loads(result.stdout.splitlines()[-1])

    def note(self, group, name, figure):
        self.figures.setdefault(group, {}).setdefault(name, []).append(figure)

    def service(self):
        """The whole server: how soon it embeds, and how much memory it has then."""
        starts, resident = [], []
        for number in range(self.options.rounds):
            seconds, megabytes = self.start(self.folder / f"data-{number}")
            starts.append(seconds)
            resident.append(megabytes)
        table(["the service", "median", "lowest", "highest"], [
            ["start to the first vector, s", *(f"{value:.2f}" for value in spread(starts))],
            ["resident then, MB", *(f"{value:.0f}" for value in spread(resident))],
        ])

    def start(self, data):
        key = "benchmark-key-of-no-secrecy"
        environment = self.environment | {"ALMANAC_ADMIN_KEY": key, "ALMANAC_EMBEDDING_MODEL": self.options.model.name}
        began = time.perf_counter()
        server = subprocess.Popen(
            [self.options.binary, "serve", "--data", data, "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True)
        try:
            address = next(found[0] for line in server.stderr if (found := re.findall(r"http://\S+", line)))
            request = urllib.request.Request(
                f"{address}/embeddings", json.dumps({"input": question}).encode(),
                {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
            with urllib.request.urlopen(request) as answer:
                answer.read()
            seconds = time.perf_counter() - began
            status = Path(f"/proc/{server.pid}/status").read_text()
            return seconds, int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1_000
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def ratios(figures):
    """A row for each program, with how many times as much the first almanac row is."""
    groups = []
    for group in ("rate", "wait"):
        rows, first = [], None
        for name, values in figures[group].items():
            middle, lowest, highest = spread(values)
            first = first or middle
            digits = 0 if group == "rate" else 2
            rows.append([name, *(f"{value:,.{digits}f}" for value in (middle, lowest, highest)), f"{first / middle:.2f} ×"])
        groups.append(rows)
    return groups


def spread(values):
    return statistics.median(values), min(values), max(values)


def table(header, rows):
    print("|", " | ".join(header), "|")
    print("|", " | ".join("---" for _ in header), "|")
    for row in rows:
        print("|", " | ".join(str(cell) for cell in row), "|")
    print(flush=True)


main()
