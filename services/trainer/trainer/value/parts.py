"""What predicts how well each target answers a prompt, from its embedding: parts that are fitted, run, and put into a graph.

Fitted on what was measured alone: a cell that is NaN teaches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .ridge import Basis

PRIOR_ROWS = 10.0
"""A cell of a table is drawn towards its target's mean as if so many rows had shown that."""
ROWS_A_CLUSTER = 25
MOST_CLUSTERS = 48
PROJECTED = 64


class Part(Protocol):
    """predict: embeddings [prompts, width] → [prompts, targets]."""

    def predict(self, x: np.ndarray) -> np.ndarray: ...


def means(score: np.ndarray) -> np.ndarray:
    """Mean score of each target over the prompts that it was tried on, [targets]."""
    known = ~np.isnan(score)
    return (np.where(known, score, 0).sum(0) + 1e-9) / np.maximum(known.sum(0), 1e-9)


def table(index: np.ndarray, size: int, score: np.ndarray) -> np.ndarray:
    """Mean score of each target on each kind of prompt, [kinds, targets]; few rows count little."""
    known = ~np.isnan(score)
    overall = means(score)
    sums = np.zeros((size, score.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, index, np.where(known, score - overall, 0))
    np.add.at(counts, index, known)
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
class Linear:
    """A linear function of the embedding."""

    weight: np.ndarray
    bias: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        return x @ self.weight.T + self.bias


@dataclass(frozen=True)
class Mean:
    """Several parts of equal weight."""

    parts: tuple

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.mean([part.predict(x) for part in self.parts], 0)


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


def fit_clusters(x: np.ndarray, score: np.ndarray, seed: int) -> Clusters:
    centres = partition(x, clusters_for(len(x)), seed)
    return Clusters(centres, table(nearest(x, centres)[0], len(centres), score))


def fit_linear(x: np.ndarray, score: np.ndarray) -> Linear:
    """Ridge: what all targets share of a prompt's difficulty, and each target's difference from that.

    Fitted target by target, noise passes for signal among targets that are nearly as good as each other.
    """
    known = ~np.isnan(score)
    overall = means(score)
    off = np.where(known, score - overall, 0)
    tried = known.sum(1)
    whole = tried == score.shape[1]
    basis = Basis(x)
    shared_weight, shared_bias = basis.fit((off.sum(1) / np.maximum(tried, 1))[:, None], shared=True)
    # Where a prompt was tried on some targets only, its difficulty is not known but by what the prompt looks like.
    guess = (x @ shared_weight.T + shared_bias)[:, 0]
    level = np.where(whole, off.mean(1), guess)
    if whole.all():
        weight, bias = basis.fit(off - level[:, None], shared=True)
    else:
        fits = [Basis(x[known[:, t]]).fit((off[:, t] - level)[known[:, t], None], shared=True) for t in range(score.shape[1])]
        weight, bias = np.concatenate([w for w, _ in fits]), np.concatenate([b for _, b in fits])
    return Linear((weight + shared_weight).astype(np.float32), (bias + shared_bias + overall).astype(np.float32))
