#!/usr/bin/env python3
"""Writes Sources/CKernels/unicode.c: what BERT's normaliser does with every code point, cased or not.

Asks the Hugging Face wheel itself, because its Unicode tables are frozen years behind any current library:

    pip install tokenizers==0.23.3 && Scripts/make-unicode-tables.py

With `--fixtures` also writes what the tests compare with: Tests/VectorsTests/Fixtures/word-digests.txt and words.jsonl.
"""
import hashlib, json, pathlib, random, sys, unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

assert tokenizers.__version__ == "0.23.3", "the tables are frozen at this version"
root = pathlib.Path(__file__).resolve().parent.parent


def bert(**on):
    names = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    return normalizers.BertNormalizer(**{name: on.get(name, False) for name in names}).normalize_str


clean, space_cjk, strip = bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True)
lower, nfd = bert(lowercase=True), normalizers.NFD().normalize_str
whole = bert(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True)
split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
code_points = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]

# One old member of each canonical combining class, to find the class of a character by trying which way they swap.
classes = {}
for c in range(0x300, 0x3100):
    ccc = unicodedata.combining(chr(c))
    if ccc and unicodedata.decomposition(chr(c)) == "":
        classes.setdefault(ccc, chr(c))


def combining_class(char):
    """0 for a starter, as the wheel's NFD sees it."""
    known = sorted(classes)
    after_first = nfd(char + classes[known[0]]) != char + classes[known[0]]
    before_last = nfd(classes[known[-1]] + char) != classes[known[-1]] + char
    if not after_first and not before_last:
        return 0
    for ccc in known:
        if nfd(classes[ccc] + char) == classes[ccc] + char and nfd(char + classes[ccc]) == char + classes[ccc]:
            return ccc
    raise SystemExit(f"U+{ord(char):04X}: a combining class of its own")


def is_punctuation(char):
    return len(split("a" + char + "b")) == 3


KEEP, DROP, SPACE, BLOCK, PUNCTUATION, IDEOGRAPH, HANGUL, FIRST_MAP = 0, 1, 2, 3, 4, 5, 6, 8
maps, offsets = [], {}


def mapping(kept, ideograph, reorders):
    """The table value of a code point that becomes `kept`: see CKernels.h for the layout of an element."""
    elements = [ord(c) | is_punctuation(c) << 21 | ideograph << 22 | (combining_class(c) if reorders else 0) << 23
                for c in kept]
    elements[-1] |= 1 << 31
    key = tuple(elements)
    if key not in offsets:
        offsets[key] = len(maps)
        maps.extend(elements)
    return FIRST_MAP + offsets[key]


def value(c, lowercases, strips):
    """What becomes of a code point; without stripping nothing is decomposed, so that marks stay where they are."""
    char = chr(c)
    cleaned = clean("a" + char + "b")
    if cleaned == "ab":
        return DROP
    if cleaned == "a b":
        return SPACE
    ideograph = space_cjk("a" + char + "b") == f"a {char} b"
    kept = strip("a" + char + "b")[1:-1] if strips else char
    if lowercases:
        kept = "".join(lower(k) for k in kept)
    assert " " not in kept
    if not kept:
        return BLOCK if any(combining_class(d) == 0 for d in nfd(char)) else DROP
    if strips and 0xAC00 <= c <= 0xD7A3:
        index = c - 0xAC00
        jamo = chr(0x1100 + index // 588) + chr(0x1161 + index % 588 // 28)
        assert kept == jamo + (chr(0x11A7 + index % 28) if index % 28 else "")
        return HANGUL
    if kept == char and not (strips and combining_class(char)):
        return PUNCTUATION if is_punctuation(char) else IDEOGRAPH if ideograph else KEEP
    return mapping(kept, ideograph, reorders=strips)


def c_array(declaration, numbers):
    lines, line = [], "   "
    for number in numbers:
        text = f" {number:#x}," if number > 9 else f" {number},"
        if len(line) + len(text) > 120:
            lines.append(line)
            line = "   "
        line += text
    return declaration + " = {\n" + "\n".join(lines + [line]) + "\n};\n"


def table_source(name, lowercases, strips):
    table = [KEEP] * 0x110000
    for c in code_points:
        table[c] = value(c, lowercases, strips)
    blocks, pages = {}, []
    for start in range(0, len(table), 128):
        pages.append(blocks.setdefault(tuple(table[start:start + 128]), len(blocks)))
    assert len(blocks) < 256 and len(maps) < 65000
    print(f"{name}: {len(blocks)} blocks")
    values = [v for b in blocks for v in b]
    return (c_array(f"static const uint8_t {name}_pages[{len(pages)}]", pages) + "\n"
            + c_array(f"static const uint16_t {name}_values[{len(values)}]", values) + "\n")


def write_tables():
    kinds = {"cased": (False, False), "cased_stripped": (False, True), "uncased": (True, False),
             "uncased_stripped": (True, True)}
    body = "".join(table_source(name, *kind) for name, kind in kinds.items())
    body += c_array(f"const uint32_t kern_unicode_maps[{len(maps)}]", maps)
    body += "\nconst kern_unicode_table kern_unicode_tables[4] = {\n"
    body += "".join(f"    {{{name}_pages, {name}_values}},\n" for name in kinds) + "};\n"
    digest = hashlib.sha256(body.encode()).hexdigest()
    (root / "Sources/CKernels/unicode.c").write_text(
        "// Made by Scripts/make-unicode-tables.py from Hugging Face tokenizers 0.23.3; not to be edited.\n"
        f"// SHA-256 of what follows the include: {digest}\n"
        '#include "CKernels.h"\n\n' + body
    )
    print(f"{len(maps)} map elements")


def words(text):
    return [word for word, _ in split(whole(text))]


def fnv(data, state=0xCBF29CE484222325):
    for byte in data:
        state = (state ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return state


def write_fixtures():
    folder = root / "Tests/VectorsTests/Fixtures"
    digests = []
    for start in range(0, 0x110000, 4096):
        text = "".join(f"a{chr(c)}b " for c in range(start, start + 4096) if not 0xD800 <= c <= 0xDFFF)
        digests.append(f"{fnv(chr(10).join(words(text)).encode()):016x}")
    (folder / "word-digests.txt").write_text("\n".join(digests) + "\n")
    # Marks in every order, where canonical reordering, dropped marks and kept ones meet.
    source = random.Random(8)
    odd = [c for c in code_points if unicodedata.category(chr(c)) in ("Mn", "Mc", "Me", "Cf", "Lm")]
    kept = [c for c in odd if whole("a" + chr(c) + "b") not in ("ab", "a b")]
    with (folder / "words.jsonl").open("w") as file:
        for _ in range(150):
            text = "".join(chr(source.choice(source.choice((odd, kept, range(0x20, 0x250), [0x20]))))
                           for _ in range(source.randrange(2, 14)))
            print(json.dumps({"text": text, "words": words(text)}), file=file)


write_tables()
if "--fixtures" in sys.argv:
    write_fixtures()
