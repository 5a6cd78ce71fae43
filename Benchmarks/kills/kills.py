"""Kills the server again and again while files of many kinds come in, and compares what is there in the end with a run
that nobody disturbed.

    .venv/clients/bin/python Benchmarks/kills/kills.py --kills 200 [--seed N]

Each round sends some files under their names, some of them in a new version, and ends the process with SIGKILL at a random
moment. After the last round every file must be in a final state, with the very chunks and vectors of the quiet run, what
was acknowledged must be there, and no row and no byte may be left that nothing refers to.
"""
import argparse
import array
import hashlib
import json
import random
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Tests" / "Clients"))
from server import Server  # noqa: E402

BIRDS = ["heron", "crane", "wren", "plover", "dipper", "stork", "teal", "finch"]


def text(name: str, version: int, sections: int) -> str:
    """Sections that differ, some of them only in a new version."""
    bird = BIRDS[int(hashlib.sha256(name.encode()).hexdigest(), 16) % len(BIRDS)]
    parts = []
    for section in range(sections):
        changed = f" This is version {version} of it." if section % 7 == 0 else ""
        parts.append(f"# Section {section}\n\n" + f"The {bird} of {name} was seen at post {section}. " * 9 + changed)
    return "\n\n".join(parts)


def content(name: str, version: int) -> bytes:
    kind = name.split("-")[0]
    if kind == "blank":
        return b" \n" * (version + 1)
    if kind == "binary":
        return bytes(range(256)) * (8 + version)
    if kind == "page":
        body = text(name, version, 3).replace("# ", "<h1>").replace("\n\nThe", "</h1><p>The")
        return f"<!doctype html><title>{name}</title><body>{body}</body>".encode()
    if kind == "twin":  # the same bytes under two names
        return text("twin", version, 2).encode()
    return text(name, version, {"short": 1, "note": 4, "long": 90}[kind]).encode()


NAMES = ([f"short-{n}.md" for n in range(16)] + [f"note-{n}.txt" for n in range(10)] + [f"page-{n}.html" for n in range(6)]
         + [f"long-{n}.md" for n in range(2)] + ["twin-1.md", "twin-2.md", "blank-1.txt", "binary-1.txt"])


class Sender:
    """Puts files from several threads until it is stopped or the server goes away."""

    def __init__(self, server: Server, base: str, versions: dict[str, int], acknowledged: dict[str, int]):
        self.server, self.base, self.versions, self.acknowledged = server, base, versions, acknowledged
        self.failures: list[str] = []

    def send(self, names: list[str]) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._send, args=(names[start::4],)) for start in range(4)]
        for thread in threads:
            thread.start()
        return threads

    def _send(self, names: list[str]):
        try:
            with self.server.http() as http:
                for name in names:
                    version = self.versions[name]
                    answer = http.put(f"/api/v1/knowledgebases/{self.base}/documents/{name}", content=content(name, version))
                    if answer.status_code in (200, 202):
                        self.acknowledged[name] = version
                    else:
                        self.failures.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        except (httpx.TransportError, ValueError):
            return  # the server died under this one; whether it was taken is open


def settle(server: Server, base: str, seconds: float = 300):
    """Waits until nothing is in progress, and has tried again what was given up because it was under way at three kills."""
    retried = set()
    deadline = time.monotonic() + seconds
    with server.http() as http:
        while True:
            counts = http.get(f"/v1/vector_stores/{base}").json()["file_counts"]
            given_up = [job["id"] for job in http.get("/api/v1/jobs?status=failed&limit=100").json()["data"]
                        if job["reason"] == "internal_error" and job["id"] not in retried]
            for job in given_up:
                retried.add(job)
                http.post(f"/api/v1/jobs/{job}/retry")
            if not counts["in_progress"] and not given_up:
                return len(retried)
            assert time.monotonic() < deadline, counts
            time.sleep(0.05)


def state(server: Server, base: str) -> dict[str, dict]:
    """By name: what became of the document, its chunks and their vectors, as the database has them."""
    with sqlite3.connect(f"file:{server.data}/almanac.db?mode=ro", uri=True) as db:
        found = {}
        rows = db.execute("SELECT external_id, state, document_id, status, failure_reason, sha256 FROM external_name "
                          "JOIN document ON document.id = document_id WHERE external_name.knowledge_base_id = ?", [base])
        for name, which, document, status, reason, sha256 in rows.fetchall():
            chunks = db.execute("SELECT CAST(chunk.text AS BLOB), chunk.context, vector FROM chunk "
                                "JOIN chunk_vector ON chunk_id = chunk.id WHERE document_id = ? ORDER BY position", [document])
            found[f"{name}/{which}"] = {"status": status, "reason": reason, "sha256": sha256, "chunks": chunks.fetchall()}
        return found


def difference(one: dict, other: dict) -> float:
    """The largest between two numbers of their vectors, after all else was found equal."""
    assert one.keys() == other.keys(), one.keys() ^ other.keys()
    largest = 0.0
    for name, left in one.items():
        right = other[name]
        assert [left[key] for key in ("status", "reason", "sha256")] == [right[key] for key in ("status", "reason", "sha256")], name
        assert [chunk[:2] for chunk in left["chunks"]] == [chunk[:2] for chunk in right["chunks"]], f"{name}: other chunks"
        for (_, _, a), (_, _, b) in zip(left["chunks"], right["chunks"]):
            if a != b:
                pairs = zip(array.array("f", a), array.array("f", b), strict=True)
                largest = max([largest, *(abs(x - y) for x, y in pairs)])
    return largest


def check_no_orphans(server: Server):
    with sqlite3.connect(f"file:{server.data}/almanac.db?mode=ro", uri=True) as db:
        def count(sql: str) -> int:
            return db.execute(f"SELECT COUNT(*) FROM {sql}").fetchone()[0]

        # SQLite before 3.42 finds NULL where there is none in tables whose primary key is not their first columns.
        found = [line for line, in db.execute("PRAGMA quick_check") if not line.startswith("NULL value in ")]
        assert found in ([], ["ok"]), found
        assert count("attachment WHERE tenant_id IS NULL") == 0
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert count("chunk WHERE document_id NOT IN (SELECT id FROM document)") == 0
        assert count("chunk_vector WHERE chunk_id NOT IN (SELECT id FROM chunk)") == 0
        assert count("chunk WHERE id NOT IN (SELECT chunk_id FROM chunk_vector)") == 0
        assert count("staged_vector") == 0
        assert count("document WHERE status = 'in_progress'") == 0
        assert count("job WHERE status IN ('queued', 'running')") == 0
        assert count("document WHERE status = 'completed' AND chunk_count <> "
                     "(SELECT COUNT(*) FROM chunk WHERE document_id = document.id)") == 0
        assert count("attachment WHERE file_id NOT IN (SELECT id FROM file)") == 0
        named = {sha256 for sha256, in db.execute("SELECT sha256 FROM file WHERE tenant_id <> '(erased)'")}
    stored = {path.name for path in (server.data / "files").rglob("*") if path.is_file()}
    held = {name for name in stored if len(name) == 64}
    assert held == named, f"bytes without a row: {held - named}, a row without bytes: {named - held}"
    assert not {name for name in stored if len(name) != 64}, "an upload was left behind"


def make_base(server: Server) -> str:
    with server.http() as http:
        return http.post("/v1/vector_stores", json={"name": "kills"}).json()["id"]


def run(folder: Path, kills: int, seed: int, say=lambda line: None) -> dict:
    """Raises where anything is wrong."""
    dice = random.Random(seed)
    started = time.monotonic()
    server = Server(folder / "killed").start()
    base = make_base(server)
    versions = {name: 0 for name in NAMES}
    acknowledged: dict[str, int] = {}
    slowest = 0.0
    for number in range(kills):
        names = dice.sample(NAMES, 12)
        for name in names:
            versions[name] += dice.random() < 0.3
        sender = Sender(server, base, versions, acknowledged)
        threads = sender.send(names)
        time.sleep(dice.uniform(0.005, 1.5))
        server.kill()
        for thread in threads:
            thread.join()
        assert not sender.failures, sender.failures
        began = time.monotonic()
        server.start()
        slowest = max(slowest, time.monotonic() - began)
        check_acknowledged(server, base, versions, acknowledged)
        say(f"{number + 1}/{kills} kills, {len(acknowledged)} of {len(NAMES)} names acknowledged")
    for thread in Sender(server, base, versions, acknowledged).send(NAMES):
        thread.join()
    retried = settle(server, base)
    server.stop()
    check_no_orphans(server)
    # The same final versions, sent once and left in peace. What failed under a name keeps its former version there.
    calm = Server(folder / "calm").start()
    calm_base = make_base(calm)
    sender = Sender(calm, calm_base, versions, {})
    for thread in sender.send(NAMES):
        thread.join()
    assert not sender.failures, sender.failures
    assert settle(calm, calm_base) == 0
    calm.stop()
    largest = difference(state(server, base), state(calm, calm_base))
    assert largest < 1e-4, f"vectors differ by {largest}"
    return {"kills": kills, "seed": seed, "files": len(NAMES), "given_up_and_retried": retried,
            "largest_difference": largest, "slowest_start_seconds": round(slowest, 2),
            "seconds": round(time.monotonic() - started)}


def check_acknowledged(server: Server, base: str, versions: dict[str, int], acknowledged: dict[str, int]):
    """What was acknowledged is under its name, or a later version whose acknowledgement the kill swallowed."""
    with server.http() as http:
        listed = http.get(f"/api/v1/knowledgebases/{base}/external_ids?limit=1000").json()["documents"]
    there = {each["external_id"]: each["sha256"] for each in listed}
    for name, version in acknowledged.items():
        allowed = {hashlib.sha256(content(name, later)).hexdigest() for later in range(version, versions[name] + 1)}
        assert there.get(name) in allowed, f"{name}: an acknowledged version is lost"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as place:
        outcome = run(Path(place), options.kills, options.seed, lambda line: print(line, file=sys.stderr))
    print(json.dumps(outcome))
