"""Token ids with the cut that serving uses: over the limit, head and tail stay (see services/triton/README.md)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """A tokenizer.json without its own truncation and padding: the cut is ours."""
    return _made_of(path.read_bytes())


@lru_cache(maxsize=1)
def _made_of(content: bytes) -> Tokenizer:
    """By what is in the file: a command that reads texts with an encoder and then with a head takes it apart once."""
    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def cut_chars(text: str, max_chars: int = 16384) -> str:
    """Keeps the first and last half of a text that is longer than max_chars code points."""
    return text if len(text) <= max_chars else f"{text[:max_chars // 2]} {text[-(max_chars // 2):]}"


def cut_ids(ids: list[int], limit: int) -> list[int]:
    """<s> head tail </s>: of a sequence over the limit, the first floor and last ceil half of the inner tokens."""
    if len(ids) <= limit:
        return ids
    inner = limit - 2
    head = inner // 2
    return ids[: 1 + head] + ids[-1 - (inner - head):]


def encode(tokenizer: Tokenizer, texts: list[str], limit: int) -> list[list[int]]:
    """Token ids of each text, cut to the limit."""
    return [cut_ids(item.ids, limit) for item in tokenizer.encode_batch([cut_chars(text) for text in texts])]


def pad(sequences: list[list[int]], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids and mask, int32 [rows, length]."""
    ids = np.zeros((len(sequences), length), np.int32)
    mask = np.zeros((len(sequences), length), np.int32)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask
