"""Which share of the text that files are known to hold comes out of them, by format, beside other readers.

    python Benchmarks/ingestion/manifest.py FOLDER [--missed]

FOLDER has a `manifest.tsv` with the columns file, format, expect, password and snippets (parted by ¦). Texts are compared
after NFKC, without soft hyphens and bars, in lower case, with single spaces. `ALMANAC_BIN` names the program. Beside it
stand pdftotext, python-docx, openpyxl and python-pptx, where they are installed.
"""
import argparse
import csv
import io
import os
import subprocess
import sys
import time
import unicodedata
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("ALMANAC_BIN", str(ROOT / ".build/release/almanac"))
LIMIT_SECONDS = 240


def almanac(path: Path) -> tuple[str, int, str]:
    """The text, the exit code and what was said about it."""
    done = subprocess.run([BINARY, "extract", path, "--format", "text"], capture_output=True, timeout=LIMIT_SECONDS)
    return done.stdout.decode(), done.returncode, done.stderr.decode().strip()


def pdftotext(path: Path) -> str:
    return subprocess.run(["pdftotext", "-enc", "UTF-8", path, "-"], capture_output=True, check=True).stdout.decode()


def python_docx(path: Path) -> str:
    import docx

    document = docx.Document(path)
    lines = [paragraph.text for paragraph in document.paragraphs]
    for table in document.tables:
        lines += [" ".join(cell.text for cell in row.cells) for row in table.rows]
    return "\n".join(lines)


def openpyxl(path: Path) -> str:
    import openpyxl as package

    book = package.load_workbook(path, read_only=True, data_only=True)
    rows = (row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
    return "\n".join(" ".join(str(cell) for cell in row if cell is not None) for row in rows)


def python_pptx(path: Path) -> str:
    import pptx

    lines = []
    for slide in pptx.Presentation(path).slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                lines.append(shape.text_frame.text)
            if shape.has_table:
                lines += [" ".join(cell.text for cell in row.cells) for row in shape.table.rows]
        if slide.has_notes_slide:
            lines.append(slide.notes_slide.notes_text_frame.text)
    return "\n".join(lines)


PEERS = {"pdf": pdftotext, "docx": python_docx, "xlsx": openpyxl, "pptx": python_pptx}
BY_CONVERTER = {"doc", "xls", "ppt", "msg"}


def normalised(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).replace("\u00ad", "").replace("|", " ")
    return " ".join(text.casefold().split())


def found(text: str, snippets: list[str]) -> list[bool]:
    whole = normalised(text)
    return [normalised(snippet) in whole for snippet in snippets]


def peer_text(path: Path, kind: str) -> str | None:
    """None where there is no other reader, nothing where it fails."""
    if kind not in PEERS:
        return None
    try:
        return PEERS[kind](path)
    except ModuleNotFoundError:
        return None
    except Exception:  # whatever the package throws at a damaged file
        return ""


def is_as_expected(expect: str, code: int, message: str, text: str, has_all: bool) -> bool:
    """Whether a file that is no plain text case ended as it should: with a sentence, and never by a signal."""
    if code not in (0, 1):
        return False
    if expect == "refuse-without-password":
        return code == 1 and "password" in message
    if expect == "text-only-with-ocr":
        return code == 0 and has_all or "text" in message
    return code == 0 or bool(message)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--missed", action="store_true", help="print every snippet that was not found")
    options = parser.parse_args()
    text_rows = (options.folder / "manifest.tsv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text_rows), delimiter="\t", quoting=csv.QUOTE_NONE))
    counts = defaultdict(lambda: defaultdict(int))
    others = defaultdict(lambda: [0, 0])
    wrong = []
    slowest = (0.0, "")
    for row in rows:
        kind, path = row["format"], options.folder / row["file"]
        snippets = [snippet for snippet in (row["snippets"] or "").split("¦") if snippet.strip()]
        began = time.monotonic()
        text, code, message = almanac(path)
        slowest = max(slowest, (time.monotonic() - began, row["file"]))
        there = found(text, snippets)
        if row["expect"] == "text":
            count = counts[kind]
            count["files"] += 1
            count["snippets"] += len(there)
            count["found"] += sum(there)
            peer = peer_text(path, kind)
            if peer is not None:
                count["peer"] += sum(found(peer, snippets))
                count["compared"] += len(there)
            if options.missed and kind not in BY_CONVERTER:
                for snippet, is_there in zip(snippets, there):
                    if not is_there:
                        print(f"missed in {row['file']}: {snippet.strip()}  [{message[:120]}]", file=sys.stderr)
        else:
            others[row["expect"]][1] += 1
            if is_as_expected(row["expect"], code, message, text, all(there)):
                others[row["expect"]][0] += 1
            else:
                wrong.append(f"{row['file']}: {row['expect']}, but exit code {code}: {message[:200]}")
    print_table(counts)
    for expect, (right, all_of_them) in sorted(others.items()):
        print(f"{expect}: {right} of {all_of_them} as expected")
    for line in wrong:
        print(line)
    print(f"slowest: {slowest[0]:.1f} s, {slowest[1]}")


def print_table(counts):
    print("| format | files | snippets | found | by another reader |\n| --- | --- | --- | --- | --- |")
    total = [0, 0, 0]
    for kind, count in sorted(counts.items()):
        name = {"pdf": "pdftotext"}.get(kind) or (PEERS[kind].__name__.replace("_", "-") if kind in PEERS else "")
        peer = f"{count['peer'] / count['compared']:.1%} ({name})" if count["compared"] else ""
        mark = " (needs a converter)" if kind in BY_CONVERTER else ""
        print(f"| {kind}{mark} | {count['files']} | {count['snippets']} | {count['found'] / count['snippets']:.1%} | {peer} |")
        if kind not in BY_CONVERTER:
            total = [total[0] + count["files"], total[1] + count["snippets"], total[2] + count["found"]]
    print(f"| all without converters | {total[0]} | {total[1]} | {total[2] / total[1]:.1%} | |")


if __name__ == "__main__":
    main()
