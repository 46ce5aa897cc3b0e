"""Texts that no label fits, made from a seed: what the heads are taught to be unsure about.

Without them a softmax is as sure of random bytes as of a question. Scripts that hardly occur in training, encoded data, bytes read in the
wrong encoding, words without a sentence. Real prompts are never among them; the test of the served model (`doubt.noise`) uses other draws, half of
them of other scripts.
"""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import replace

import numpy as np

from .data import Row

SCRIPTS = {
    "armenian": (0x561, 0x586), "khmer": (0x1780, 0x17B3), "lao": (0xE81, 0xEAE), "sinhala": (0xD85, 0xDC6), "ethiopic": (0x1200, 0x1248),
    "tibetan": (0xF40, 0xF6C), "cherokee": (0x13A0, 0x13F4), "tifinagh": (0x2D30, 0x2D67), "mongolian": (0x1820, 0x1877),
}
"""Code points that words are made of. Georgian, Burmese, runes and others are left for the test."""

SYMBOLS = [chr(code) for low, high in ((0x2190, 0x21FF), (0x2500, 0x257F), (0x2200, 0x22FF), (0x2800, 0x28FF)) for code in range(low, high)]
SPACES = {"khmer", "lao", "tibetan"}
"""Scripts that put no space between words."""


def rows(count: int, seed: int, words: list[str]) -> list[Row]:
    """About count texts. What a person would call unreadable is half Unknown and half anything; a script that nobody taught, anything.

    words: to make sentences of that are none.
    """
    rng = np.random.default_rng(seed)
    kinds = (_encoded, _bytes, _symbols)
    out: list[Row] = []
    for number in range(count):
        if number % 2:
            out.append(_row(_script(rng)))
            continue
        text = _salad(rng, words) if number % 8 == 0 else kinds[int(rng.integers(len(kinds)))](rng)
        even = replace(_row(text), weight=0.5)
        out += [even, replace(even, task="Unknown", complexity="No-Label-Reason", unsure=False)]
    return out


def _row(text: str) -> Row:
    return Row(text, None, None, None, "own/outliers", lang="xx", unsure=True)


def _script(rng: np.random.Generator) -> str:
    """Random words of one script, with a mark at the end as people set it."""
    name = list(SCRIPTS)[int(rng.integers(len(SCRIPTS)))]
    low, high = SCRIPTS[name]
    words = ["".join(chr(int(c)) for c in rng.integers(low, high, int(rng.integers(2, 9)))) for _ in range(int(rng.integers(3, 28)))]
    return ("" if name in SPACES else " ").join(words) + ("", ".", "?", ":", "!")[int(rng.integers(5))]


def _encoded(rng: np.random.Generator) -> str:
    raw = rng.bytes(int(rng.integers(16, 150)))
    return (
        base64.b64encode(raw).decode(), raw.hex(), "".join(f"%{byte:02X}" for byte in raw[:60]), " ".join(f"{byte:08b}" for byte in raw[:20]),
        "\n".join(str(uuid.UUID(bytes=rng.bytes(16))) for _ in range(int(rng.integers(1, 6)))), json.dumps(list(raw[:40])),
    )[int(rng.integers(6))]


def _bytes(rng: np.random.Generator) -> str:
    """Bytes that were no text, or text of another encoding."""
    raw = rng.bytes(int(rng.integers(12, 120)))
    return raw.decode("utf-8", "replace") if rng.random() < 0.5 else raw.decode("latin-1")


def _symbols(rng: np.random.Generator) -> str:
    picked = rng.choice(len(SYMBOLS), int(rng.integers(6, 80)))
    return "".join(SYMBOLS[int(i)] + (" " if rng.random() < 0.1 else "") for i in picked)


def _salad(rng: np.random.Generator, words: list[str]) -> str:
    return " ".join(words[int(i)] for i in rng.integers(0, len(words), int(rng.integers(5, 40))))
