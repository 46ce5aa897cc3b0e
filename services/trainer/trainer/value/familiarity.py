"""How like the training prompts a prompt is, as the share of like prompts that are as far or farther.

Far in one of two ways. Far from all of their clusters, in a measure that knows in which directions such prompts differ (Mahalanobis, its
covariance shrunk): what is new there counts. Or on the side of prompts in general: an encoder that was trained on texts like the
training ones spreads them widely and keeps all others in the middle, where by distance alone they look familiar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .parts import clusters_for, nearest, partition

FOLDS = 5
MOST_ROWS = 2_000
DIRECTIONS = 128
LEVELS = np.array([1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.075, 0.05, 0.035, 0.02, 0.01, 0])
LEAST_VARIANCE = 1e-9
"""Of a direction, where prompts do not differ at all: the encoder reads long texts alike that differ in their middle only."""
UNFAMILIAR = 0.05
"""Below it a prompt is unfamiliar: one in twenty of the prompts that are like the training ones."""


def trust(familiar: np.ndarray) -> np.ndarray:
    """How much of a predictor's word on a prompt stands, 0…1; the rest is the targets' means."""
    return np.minimum(1, familiar / UNFAMILIAR)


@dataclass(frozen=True)
class Near:
    """Squared Mahalanobis distance to the nearest cluster.

    origin: [width]. rest: 1 / variance of the directions that are not in basis. basis: [width, directions], scaled so that
    rest·|z|² − |z @ basis|² is the distance to the origin. cross: [width, clusters], constant: [clusters]: the same to each centre.
    """

    origin: np.ndarray
    rest: float
    basis: np.ndarray
    cross: np.ndarray
    constant: np.ndarray

    def of(self, x: np.ndarray) -> np.ndarray:
        z = (x - self.origin).astype(np.float32)
        return self.rest * (z**2).sum(1) - ((z @ self.basis) ** 2).sum(1) + (z @ self.cross + self.constant).min(1)


@dataclass(frozen=True)
class Apart:
    """A linear function of the embedding: high for prompts in general, low for the training ones."""

    weight: np.ndarray
    bias: float

    def of(self, x: np.ndarray) -> np.ndarray:
        return (x @ self.weight + self.bias).astype(np.float32)


@dataclass(frozen=True)
class Familiarity:
    """Each measure's value at LEVELS, and −(the lower of their levels) at LEVELS; apart is None where there was nothing to compare with."""

    near: Near
    near_knots: np.ndarray
    apart: Apart | None
    apart_knots: np.ndarray
    knots: np.ndarray

    def of(self, x: np.ndarray) -> np.ndarray:
        """0…1, [prompts]; uniform on prompts like the training ones."""
        return self._of(self.near.of(x), self.apart.of(x) if self.apart else None)

    def _of(self, near: np.ndarray, apart: np.ndarray | None) -> np.ndarray:
        low = np.interp(near, self.near_knots, LEVELS)
        if apart is not None:
            low = np.minimum(low, np.interp(apart, self.apart_knots, LEVELS))
        return np.interp(-low, self.knots, LEVELS)


def _near(x: np.ndarray, seed: int) -> Near:
    from sklearn.covariance import ledoit_wolf
    from sklearn.utils.extmath import randomized_svd

    x = x.astype(np.float64)
    index = nearest(x, partition(x, clusters_for(len(x)), seed))[0]
    kinds = np.unique(index)
    origin = x.mean(0)
    centres = np.stack([x[index == k].mean(0) for k in kinds]) - origin
    within = x - origin - centres[np.searchsorted(kinds, index)]
    covariance, shrinkage = ledoit_wolf(within, assume_centered=True)
    floor = max(shrinkage * (within**2).sum() / within.size, LEAST_VARIANCE)  # what shrinking gives to every direction
    count = min(DIRECTIONS, len(x) - 1, x.shape[1] - 1)
    _, singular, right = randomized_svd(within, count, random_state=seed)
    variance = (1 - shrinkage) * singular**2 / len(x) + floor
    rest = max((np.trace(covariance) - variance.sum()) / (x.shape[1] - count), LEAST_VARIANCE)
    rest = min(rest, variance.min())
    basis = (right * np.sqrt(1 / rest - 1 / variance)[:, None]).T
    projected = centres @ basis
    cross = -2 * (centres / rest - projected @ basis.T).T
    constant = (centres**2).sum(1) / rest - (projected**2).sum(1)
    return Near(origin.astype(np.float32), float(1 / rest), basis.astype(np.float32), cross.astype(np.float32), constant.astype(np.float32))


def _apart(x: np.ndarray, general: np.ndarray | None) -> Apart | None:
    if general is None or not len(general):
        return None
    from sklearn.linear_model import LogisticRegression

    both = np.concatenate([x, general])
    mean, deviation = both.mean(0), both.std(0) + 1e-6
    side = np.repeat([0, 1], [len(x), len(general)])
    fitted = LogisticRegression(C=1e-3, class_weight="balanced", max_iter=200).fit((both - mean) / deviation, side)
    weight = (fitted.coef_[0] / deviation).astype(np.float32)
    return Apart(weight, float(fitted.intercept_[0] - weight @ mean))


def _knots(values: np.ndarray) -> np.ndarray:
    knots = np.quantile(values, 1 - LEVELS)
    # What lies beyond all that was seen is no more like it the farther it is.
    knots[-1] = max(knots[-1], knots[-2]) + max(knots[-1] - knots[len(knots) // 2], 1e-6) * 0.1
    return np.maximum.accumulate(knots + np.arange(len(knots)) * 1e-6 * max(1, np.abs(knots).max())).astype(np.float32)


def fit(x: np.ndarray, general: np.ndarray | None, seed: int, *, fold: np.ndarray | None = None, folds: int = FOLDS) -> tuple[Familiarity, np.ndarray]:
    """The measure, and what it says of each training prompt without having seen it [prompts] (NaN where that was not asked).

    general: embeddings of prompts of all kinds. fold: who is held back with whom; the first `folds` are. What is usual comes from them.
    """
    fold = np.random.default_rng(seed).permutation(len(x)) % FOLDS if fold is None else fold
    rows = np.random.default_rng(seed).permutation(len(x))[:MOST_ROWS]
    near, apart = np.full(len(x), np.nan, np.float32), np.full(len(x), np.nan, np.float32)
    for k in np.unique(fold)[:folds]:
        out, kept = np.flatnonzero(fold == k), rows[fold[rows] != k]
        near[out] = _near(x[kept], seed).of(x[out])
        side = _apart(x[kept], general)
        if side:
            apart[out] = side.of(x[out])
    seen = ~np.isnan(near)
    side = _apart(x[rows], general)
    near_knots = _knots(near[seen])
    apart_knots = _knots(apart[seen]) if side else np.zeros(0, np.float32)
    made = Familiarity(_near(x[rows], seed), near_knots, side, apart_knots, np.zeros(0))
    low = np.interp(near[seen], near_knots, LEVELS)
    if side:
        low = np.minimum(low, np.interp(apart[seen], apart_knots, LEVELS))
    knots = np.quantile(-low, 1 - LEVELS)
    knots[-1] = 0
    steps = np.arange(len(knots) - 1, -1, -1) * 1e-5
    knots = np.minimum.accumulate((np.minimum(knots, 0) - steps)[::-1])[::-1].astype(np.float32)
    made = Familiarity(made.near, near_knots, side, apart_knots, knots)
    held = np.full(len(x), np.nan)
    held[seen] = made._of(near[seen], apart[seen] if side else None)
    return made, held
