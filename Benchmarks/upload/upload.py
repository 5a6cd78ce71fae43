"""Uploads many files at once, as the official client does it, and watches the server's memory.

    .venv/clients/bin/python Benchmarks/upload/upload.py [--files 1000] [--at-once 10] [--documents FOLDER]

The files are those of FOLDER (SampleDocs by default), each copy made different by its number: text gets a line more, what is
packed in a ZIP archive a comment, everything else a few bytes behind its end. `vector_stores.file_batches.upload_and_poll`
sends them and returns when all are indexed. Memory is the resident set of the server, and of it with the processes that read
documents for it.
"""
import argparse
import io
import json
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import openai

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "Clients"))
from server import Server  # noqa: E402

TEXT = {".txt", ".md", ".html", ".csv", ".eml", ".rtf"}


def copy(path: Path, number: int) -> tuple[str, bytes]:
    """A file of the same kind with other bytes, under a name of its own."""
    content = path.read_bytes()
    if zipfile.is_zipfile(path):
        packed = io.BytesIO(content)
        with zipfile.ZipFile(packed, "a") as archive:
            archive.comment = f"copy {number}".encode()
        content = packed.getvalue()
    elif path.suffix == ".rtf":  # behind its end nothing counts
        content += f"\n{number}\n".encode()
    elif path.suffix == ".html":
        content += f"<p>Copy {number}.</p>\n".encode()
    elif path.suffix in TEXT:
        content += f"\n\nCopy {number}.\n".encode()
    else:
        content += f"\n% copy {number}\n".encode()
    return f"{path.stem}-{number}{path.suffix}", content


def resident(process: int) -> int:
    """Bytes, 0 where the process has ended."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(pages) * 4096


def family(process: int) -> list[int]:
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        threads = Path(f"/proc/{process}/task").iterdir()
        children = {child for thread in threads for child in (thread / "children").read_text().split()}
    except (FileNotFoundError, ProcessLookupError):
        return [process]
    return [process] + [one for child in children for one in family(int(child))]


class Watch(threading.Thread):
    """Looks at memory twice a second and says it every few seconds."""

    def __init__(self, server: Server, client: openai.OpenAI, base: str, every: float):
        super().__init__(daemon=True)
        self.server, self.client, self.base, self.every = server, client, base, every
        self.samples: list[tuple[float, int, int, int]] = []
        self.is_done = threading.Event()

    def run(self):
        began, said = time.monotonic(), 0.0
        while not self.is_done.wait(0.5):
            own = resident(self.server.process.pid)
            whole = sum(resident(one) for one in family(self.server.process.pid))
            at = time.monotonic() - began
            if at - said < self.every:
                self.samples.append((at, own, whole, -1))
                continue
            said = at
            completed = self.client.vector_stores.retrieve(self.base).file_counts.completed
            self.samples.append((at, own, whole, completed))
            print(f"{at:6.0f} s  {own >> 20:5} MiB server  {whole >> 20:5} MiB with readers  {completed} files", file=sys.stderr)


def run(folder: Path, documents: list[Path], count: int, at_once: int, every: float) -> dict:
    server = Server(folder).start()
    client = openai.OpenAI(base_url=f"{server.base}/v1", api_key=server.key, timeout=600, max_retries=0)
    base = client.vector_stores.create(name="upload").id
    before = resident(server.process.pid)
    files = [copy(documents[number % len(documents)], number) for number in range(count)]
    watch = Watch(server, client, base, every)
    watch.start()
    began = time.monotonic()
    batch = client.vector_stores.file_batches.upload_and_poll(base, files=files, max_concurrency=at_once)
    seconds = time.monotonic() - began
    watch.is_done.set()
    watch.join()
    assert batch.file_counts.total == count and batch.file_counts.in_progress == 0, batch
    failed = [file for file in client.vector_stores.files.list(base, filter="failed", limit=100)]
    after = resident(server.process.pid)
    server.stop()
    # Flat: no more at the end than when a fifth was done, but for what the index of the documents itself takes.
    settled = [own for _, own, _, done in watch.samples if done >= count // 5]
    return {
        "files": count, "completed": batch.file_counts.completed, "failed": batch.file_counts.failed,
        "bytes": sum(len(content) for _, content in files), "seconds": round(seconds, 1),
        "files_per_second": round(count / seconds, 1), "mib_idle": before >> 20,
        "mib_at_a_fifth": settled[0] >> 20 if settled else None, "mib_end": after >> 20,
        "mib_peak": max(own for _, own, _, _ in watch.samples) >> 20,
        "mib_peak_with_readers": max(whole for _, _, whole, _ in watch.samples) >> 20,
        "reasons": sorted({file.last_error.message for file in failed if file.last_error}),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--every", type=float, default=5, help="seconds between two lines")
    parser.add_argument("--documents", type=Path, default=ROOT / "SampleDocs")
    parser.add_argument("--largest", type=int, default=300_000, help="bytes; larger documents are passed over")
    options = parser.parse_args()
    found = sorted(path for path in options.documents.rglob("*") if path.is_file() and path.suffix not in {".jsonl", ".tsv"}
                   and not path.parent.name.startswith("_") and path.stat().st_size <= options.largest)
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(run(Path(place), found, options.files, options.at_once, options.every)))
