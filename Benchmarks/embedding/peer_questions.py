"""How long others take for one question, in milliseconds, on one thread; prints one JSON line.

    peer_questions.py onnx|sentence-transformers MODEL_DIR TEXTS QUESTION

`onnx` runs the graph that peer_embed.py leaves in the temporary folder; sentence-transformers embeds the texts too.
"""

import json
import statistics
import sys
import time

kind, model, texts, question = sys.argv[1:]


def median(work, rounds=300):
    times = []
    for _ in range(rounds + 20):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1_000)
    return statistics.median(times[20:])


def onnx():
    import numpy as np
    import onnxruntime as ort
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    figures = {}
    for name in ("fp32", "int8"):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(f"/tmp/peer_minilm_{name}.onnx", options, providers=["CPUExecutionProvider"])

        def embed():
            ids = np.array([tokenizer.encode(question).ids], np.int64)
            hidden = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0]
            vector = hidden[0].mean(0)
            return vector / np.linalg.norm(vector)

        figures[f"wait:ONNX Runtime, {name}"] = median(embed)
    return figures


def transformers():
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    encoder = SentenceTransformer(model, device="cpu")
    lines = open(texts, encoding="utf-8").read().splitlines()
    tokens = sum(len(ids) for ids in encoder.tokenizer(lines, truncation=True, max_length=256)["input_ids"])
    encoder.encode(lines[:32])
    began = time.perf_counter()
    encoder.encode(lines, batch_size=32)
    rate = tokens / (time.perf_counter() - began)
    return {
        "rate:sentence-transformers, 1 thread": rate,
        "wait:sentence-transformers": median(lambda: encoder.encode([question]), 100),
    }


print(json.dumps(onnx() if kind == "onnx" else transformers()))
