"""Cuts the words on standard input into texts of exactly so many tokens, special ones included, one a line.

    cut_texts.py TOKENIZER.json COUNT TOKENS
"""

import itertools
import sys

from tokenizers import Tokenizer

path, count, tokens = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
tokenizer = Tokenizer.from_file(path)
tokenizer.no_padding()
tokenizer.no_truncation()
words = itertools.cycle((word, len(tokenizer.encode(word, add_special_tokens=False).ids)) for word in sys.stdin.read().split())
for _ in range(count):
    line, length = [], 2
    while length < tokens:
        word, pieces = next(words)
        if length + pieces <= tokens:
            line.append(word)
            length += pieces
    print(" ".join(line))
