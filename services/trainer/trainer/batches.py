"""One epoch of rows as batches of like length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from . import augment, tokens

BUCKETS = ((16, 64), (32, 48), (64, 32), (96, 24), (128, 20), (192, 14), (256, 10))
"""(tokens, rows) of a batch where every shape has to be compiled: short prompts go together, so that none pays for a long one's padding."""

MAX_TOKENS, MAX_ROWS = 2560, 64
"""Of a batch where shapes are free."""
WINDOW = 1024
"""Rows that are sorted by length among themselves: batches of like length, yet of other company in each epoch."""


EVEN = -1
"""In place of a label's index."""


@dataclass(frozen=True)
class Batch:
    """ids, mask int32 [rows, tokens]; label index and weight [rows] by column, weight 0 where a row has no label. Index EVEN: all labels alike."""

    ids: np.ndarray
    mask: np.ndarray
    target: dict[str, np.ndarray]
    weight: dict[str, np.ndarray]


def chunks_of(lengths: list[int], rng: np.random.Generator, fixed: bool) -> list[tuple[int, list[int], int]]:
    """(tokens, rows' numbers, rows of the batch), shuffled."""
    order = rng.permutation(len(lengths)).tolist()
    chunks: list[tuple[int, list[int], int]] = []
    if fixed:
        pools: list[list[int]] = [[] for _ in BUCKETS]
        for i in order:
            pools[next(b for b, (limit, _) in enumerate(BUCKETS) if lengths[i] <= limit)].append(i)
        for (length, size), pool in zip(BUCKETS, pools):
            chunks += [(length, pool[at: at + size], size) for at in range(0, len(pool), size)]
    else:
        for at in range(0, len(order), WINDOW):
            members: list[int] = []
            for i in sorted(order[at: at + WINDOW], key=lambda i: lengths[i]):
                if members and (len(members) == MAX_ROWS or lengths[i] * (len(members) + 1) > MAX_TOKENS):
                    chunks.append((lengths[members[-1]], members, len(members)))
                    members = []
                members.append(i)
            chunks.append((lengths[members[-1]], members, len(members)))
    rng.shuffle(chunks)
    return chunks


def epoch(rows: list, heads: dict[str, tuple[str, ...]], weights: dict[str, np.ndarray], tokenizer, rng: np.random.Generator, *,
          limit: int = BUCKETS[-1][0], fixed: bool = True) -> Iterator[Batch]:
    """Shuffled batches. fixed: few shapes, the last batch of each filled up with rows of no weight."""
    sequences = tokens.encode(tokenizer, [augment.vary(row.prompt, rng) for row in rows], limit)
    index_of = {column: {name: i for i, name in enumerate(names)} for column, names in heads.items()}
    for length, members, size in chunks_of([len(s) for s in sequences], rng, fixed):
        padded = members + [members[0]] * (size - len(members))
        ids, mask = tokens.pad([sequences[i] for i in padded], length)
        target, weight = {}, {}
        for column in heads:
            names = [getattr(rows[i], column) for i in padded]
            even = [rows[i].unsure for i in padded]
            target[column] = np.array([EVEN if e else index_of[column][n] if n else 0 for e, n in zip(even, names)], np.int32)
            weight[column] = np.array(
                [0.0 if at >= len(members) or not (e or n) else rows[i].weight * (1.0 if e else weights[column][index_of[column][n]])
                 for at, (i, e, n) in enumerate(zip(padded, even, names))], np.float32)
        yield Batch(ids, mask, target, weight)
