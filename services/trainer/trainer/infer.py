"""Embeddings and logits of many texts with the trained JAX weights."""

from __future__ import annotations

import time

import jax
import numpy as np

from . import tokens
from .encoder import embed


def embeddings(params: dict, texts: list[str], limit: int = 256, size: int = 32, log=lambda _: None) -> np.ndarray:
    """[texts, EMBEDDING]. Texts are sorted by length inside, so that batches waste little padding."""
    body = {name: value for name, value in params.items() if not name.startswith("head.")}
    run = jax.jit(lambda p, i, m: embed(p, i, m))
    sequences = tokens.encode(tokens.load_tokenizer(), texts, limit)
    lengths = (16, 32, 64, 96, 128, 192, 256, 512)
    out: list = [None] * len(texts)
    spoken = time.monotonic()
    order = sorted(range(len(texts)), key=lambda i: len(sequences[i]))
    for at in range(0, len(order), size):
        members = order[at: at + size]
        length = next(n for n in lengths if len(sequences[members[-1]]) <= n)
        padded = [sequences[i] for i in members] + [[tokens.CLS, tokens.SEP]] * (size - len(members))
        ids, mask = tokens.pad(padded, length)
        result = np.asarray(run(body, ids, mask))
        for row, i in enumerate(members):
            out[i] = result[row]
        if time.monotonic() - spoken > 5:
            spoken = time.monotonic()
            log(f"encoder: {at + len(members):,} of {len(texts):,} texts")
    return np.stack(out)


def head_logits(params: dict, column: str, embedding: np.ndarray) -> np.ndarray:
    return embedding @ params[f"head.{column}.weight"].T + params[f"head.{column}.bias"]
