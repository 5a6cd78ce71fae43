#!/usr/bin/env python3
"""Makes the tiny models of Tests/VectorsTests/Fixtures, with the answers that transformers gives for them.

Random weights under a fixed seed: what matters is that our encoder computes what the reference computes.
Needs torch, transformers and safetensors; run again only to change a fixture.
"""
import json
import pathlib

import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "Tests/VectorsTests/Fixtures"
WORDS = """the a of is in and how long notice period three months quarter end rent paid by transfer before fifth day
der die das und wie lange ist frist drei monate zum ende miete kundigung pet ##s ##en ##e ##ung ##s
. , ? ! - ( ) 1 2 3 4 5 6 7 8 9 0""".split()
PAIRS = [
    ("how long is the notice period?", "the notice period is 3 months, to the end of a quarter."),
    ("how long is the notice period?", "the rent is paid by transfer before the fifth day."),
    ("Wie lange ist die Kündigungsfrist?", "Die Frist ist drei Monate zum Ende."),
    ("pets", ""),
    ("", "rent"),
    ("rent " * 40, "notice " * 90),
    ("(1) rent, 2 months", "unknownword! the end - and the rent"),
]


def main():
    folder = FIXTURES / "cross-encoder"
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = list(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, type_vocab_size=2, num_labels=1, initializer_range=0.3)
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer = BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True, model_max_length=64)
    answers = []
    for query, passage in PAIRS:
        # Our rule for what is too long: the query keeps at most half, the passage what is left.
        ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in (query, passage)]
        first = ids[0][: (64 - 3) // 2]
        second = ids[1][: 64 - 3 - len(first)]
        tokens = [2] + first + [3] + second + [3]
        types = [0] * (len(first) + 2) + [1] * (len(second) + 1)
        with torch.no_grad():
            logit = model(torch.tensor([tokens]), token_type_ids=torch.tensor([types])).logits[0, 0].item()
        answers.append({"query": query, "passage": passage, "logit": logit})
    (folder / "pairs.json").write_text(json.dumps(answers, ensure_ascii=False, indent=1) + "\n")


main()
