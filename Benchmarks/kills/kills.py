"""Kills the server again and again while files of many kinds come in, and compares what is there in the end with a run
that nobody disturbed.

    .venv/clients/bin/python Benchmarks/kills/kills.py --kills 200 --files 1000 [--documents FOLDER] [--seed N]

With `--files` a batch of so many files is sent first and indexed amid the kills: Markdown, text, HTML, CSV, JSON lines, mail and
docx made here, and copies of FOLDER's files where there is one. Each round sends some files under their names, some of them in
a new version, and ends the process with SIGKILL at a random moment. After the last round every file must be in a final state, with the very chunks and vectors of the quiet run, what
was acknowledged must be there, and no row and no byte may be left that nothing refers to.
"""
import argparse
import array
import hashlib
import io
import json
import random
import sqlite3
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Tests" / "Clients"), str(ROOT / "Benchmarks" / "upload")]
from server import Server  # noqa: E402
from upload import copy  # noqa: E402

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
    if kind == "table":
        rows = [f"{name} {row},{row * 7 % 31},{version if row % 9 == 0 else 0}" for row in range(40)]
        return "\n".join(["post,birds,version", *rows]).encode()
    if kind == "records":
        rows = [{"post": row, "text": f"The birds of {name}.", "version": version * (row % 9 == 0)} for row in range(20)]
        return "\n".join(json.dumps(row) for row in rows).encode()
    if kind == "mail":
        return f"From: warden@example.org\nSubject: {name}\n\n{text(name, version, 2)}\n".encode()
    if kind == "word":
        return docx(text(name, version, 3).split("\n\n"))
    if kind == "file":
        number = int(name.split("-")[1])
        return copy(documents[number % len(documents)], 1000 * version + number)[1]
    return text(name, version, {"short": 1, "note": 4, "long": 90}[kind]).encode()


def docx(paragraphs: list[str]) -> bytes:
    """The least that is a Word document; the same bytes for the same text."""
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    office = "http://schemas.openxmlformats.org"
    body = "".join(f"<w:p><w:r><w:t>{paragraph}</w:t></w:r></w:p>" for paragraph in paragraphs)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types"><Override PartName="/word/document.xml" '
                               f'ContentType="{main}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{office}/package/2006/relationships"><Relationship Id="r" Target="word/document.xml" '
                       f'Type="{office}/officeDocument/2006/relationships/officeDocument"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{office}/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>',
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


# Real files to copy among the names, where there are any.
documents: list[Path] = []
# What a large batch is made of beside the names below.
KINDS = ["short.md", "note.txt", "page.html", "table.csv", "records.jsonl", "mail.eml", "word.docx"]


def batch_names(count: int) -> list[str]:
    """The small set, and more of every kind up to the count."""
    names = list(NAMES)
    for number in range(100, 100 + max(0, count - len(NAMES))):
        kind = number % (len(KINDS) + (5 if documents else 0))
        if kind < len(KINDS):
            stem, suffix = KINDS[kind].split(".")
            names.append(f"{stem}-{number}.{suffix}")
        else:
            names.append(f"file-{number}-{documents[number % len(documents)].name}")
    return names


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


def settle(server: Server, base: str, seconds: float = 3600):
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


def run(folder: Path, kills: int, seed: int, say=lambda line: None, files: int = 0) -> dict:
    """Raises where anything is wrong.

    With `files` a batch of so many is sent before the first kill.
    """
    all_names = batch_names(files)
    dice = random.Random(seed)
    started = time.monotonic()
    server = Server(folder / "killed").start()
    base = make_base(server)
    versions = {name: 0 for name in all_names}
    acknowledged: dict[str, int] = {}
    if files:
        sender = Sender(server, base, versions, acknowledged)
        for thread in sender.send(all_names):
            thread.join()
        assert not sender.failures, sender.failures
        with server.http() as http:
            say(f"sent {len(all_names)}, {http.get(f'/v1/vector_stores/{base}').json()['file_counts']}")
    slowest = 0.0
    for number in range(kills):
        names = dice.sample(all_names, 12)
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
        say(f"{number + 1}/{kills} kills, {len(acknowledged)} of {len(all_names)} names acknowledged")
    for thread in Sender(server, base, versions, acknowledged).send(all_names):
        thread.join()
    retried = settle(server, base)
    server.stop()
    check_no_orphans(server)
    # The same final versions, sent once and left in peace. What failed under a name keeps its former version there.
    calm = Server(folder / "calm").start()
    calm_base = make_base(calm)
    sender = Sender(calm, calm_base, versions, {})
    for thread in sender.send(all_names):
        thread.join()
    assert not sender.failures, sender.failures
    assert settle(calm, calm_base) == 0
    calm.stop()
    largest = difference(state(server, base), state(calm, calm_base))
    assert largest < 1e-4, f"vectors differ by {largest}"
    return {"kills": kills, "seed": seed, "files": len(all_names), "given_up_and_retried": retried,
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
    parser.add_argument("--files", type=int, default=0, help="how many are sent before the first kill")
    parser.add_argument("--documents", type=Path, help="a folder of real files to copy among them")
    parser.add_argument("--largest", type=int, default=60_000, help="bytes; larger documents are passed over")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    if options.documents:
        documents += sorted(path for path in options.documents.rglob("*") if path.is_file() and path.suffix not in {".tsv", ".md"}
                            and not path.parent.name.startswith("_") and path.stat().st_size <= options.largest)
    with tempfile.TemporaryDirectory() as place:
        outcome = run(Path(place), options.kills, options.seed, lambda line: print(line, file=sys.stderr), options.files)
    print(json.dumps(outcome))
