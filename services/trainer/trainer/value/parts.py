"""What predicts how well each target answers a prompt, from its embedding: parts that are fitted, run, and put into a graph.

Fitted on what was measured alone: a cell that is NaN teaches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

PRIOR_ROWS = 10.0
"""A cell of a table is drawn towards its target's mean as if so many rows had shown that."""
ROWS_A_CLUSTER = 25
MOST_CLUSTERS = 48
PROJECTED = 64


class Part(Protocol):
    """predict: embeddings [prompts, width] → [prompts, targets]."""

    def predict(self, x: np.ndarray) -> np.ndarray: ...


def counted(score: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """How much each cell counts, [prompts, targets]: 0 where it is unknown; of each target as many as are known."""
    known = ~np.isnan(score)
    if weight is None:
        return known.astype(float)
    whole = np.where(known, weight, 0)
    return whole * known.sum(0) / np.maximum(whole.sum(0), 1e-9)


def means(score: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Mean score of each target over the prompts that it was tried on, [targets]; with weights (`Outcomes`) over all prompts."""
    count = counted(score, weight)
    return ((np.nan_to_num(score) * count).sum(0) + 1e-9) / np.maximum(count.sum(0), 1e-9)


def table(index: np.ndarray, size: int, score: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Mean score of each target on each kind of prompt, [kinds, targets]; few rows count little."""
    overall, count = means(score, weight), counted(score, weight)
    sums = np.zeros((size, score.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, index, np.nan_to_num(score - overall) * count)
    np.add.at(counts, index, count)
    return overall + sums / (counts + PRIOR_ROWS)


@dataclass(frozen=True)
class Constant:
    """Every prompt alike."""

    mean: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.repeat(self.mean[None], len(x), 0)


@dataclass(frozen=True)
class LabelTable:
    """The mean over the prompts of the same label, as a label policy sees it."""

    head: object
    """`served.Head` of the label policy."""
    policy: str
    cells: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.cells[self.head.run(x).argmax(1)]


@dataclass(frozen=True)
class Clusters:
    """The mean over the prompts that lie nearest to the same centre."""

    centres: np.ndarray
    cells: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.cells[nearest(x, self.centres)[0]]


@dataclass(frozen=True)
class Blend:
    """Several parts together. shares: [parts], sum 1."""

    parts: tuple
    shares: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        return blended([part.predict(x) for part in self.parts], self.shares)


def blended(said: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """said: what each part predicts, [prompts, targets] each → [prompts, targets]."""
    return sum(share * each for share, each in zip(shares, said))


def unit(x: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)


def nearest(x: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index and squared distance of the nearest centre for unit rows, [prompts] each."""
    u = unit(x)
    distance = 1 + (centres**2).sum(1) - 2 * u @ centres.T
    return distance.argmin(1), np.maximum(distance.min(1), 0)


def partition(x: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Centres of `count` clusters of the unit rows, [count, width]: k-means on a random projection, which keeps distances."""
    from sklearn.cluster import KMeans

    u = unit(x)
    projection = np.random.default_rng(seed).normal(size=(u.shape[1], PROJECTED)).astype(np.float32)
    labels = KMeans(count, n_init=1, random_state=seed, max_iter=20).fit(u @ projection).labels_
    sums = np.zeros((count, u.shape[1]))
    np.add.at(sums, labels, u)
    return (sums / np.maximum(np.bincount(labels, minlength=count), 1)[:, None]).astype(np.float32)


def clusters_for(rows: int) -> int:
    """One for every 25 prompts, 48 at most."""
    return int(np.clip(rows // ROWS_A_CLUSTER, 1, MOST_CLUSTERS))


def fit_clusters(x: np.ndarray, score: np.ndarray, seed: int, weight: np.ndarray | None = None) -> Clusters:
    centres = partition(x, clusters_for(len(x)), seed)
    return Clusters(centres, table(nearest(x, centres)[0], len(centres), score, weight))
