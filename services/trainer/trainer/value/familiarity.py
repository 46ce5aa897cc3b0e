"""How like the training prompts a prompt is: its distance to the nearest of their clusters, as a share of like prompts that lie as far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .parts import clusters_for, nearest, partition, unit

FOLDS = 5
LEVELS = np.array([1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.075, 0.05, 0.035, 0.02, 0.01, 0])
UNFAMILIAR = 0.05
"""Below it a prompt is unfamiliar: one in twenty of the prompts that are like the training ones."""


@dataclass(frozen=True)
class Familiarity:
    """centres: [clusters, width], of unit rows. radius: [clusters], what a distance is measured in. knots: distance at each of LEVELS."""

    centres: np.ndarray
    radius: np.ndarray
    knots: np.ndarray

    def distance(self, x: np.ndarray) -> np.ndarray:
        """[prompts], in radii; a dense cluster ends sooner than a wide one."""
        u = unit(x)
        squared = np.maximum((u**2).sum(1, keepdims=True) + (self.centres**2).sum(1) - 2 * u @ self.centres.T, 0)
        return (np.sqrt(squared) / self.radius).min(1)

    def of(self, x: np.ndarray) -> np.ndarray:
        """0…1, [prompts]; uniform on prompts like the training ones."""
        return np.interp(self.distance(x), self.knots, LEVELS)


def _clusters(x: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    centres = partition(x, clusters_for(len(x)), seed)
    index, squared = nearest(x, centres)
    overall = np.sqrt(squared.mean()) + 1e-6
    sums, counts = np.bincount(index, squared, len(centres)), np.bincount(index, minlength=len(centres))
    # A cluster of few prompts tells little of how wide it is.
    own = np.sqrt((sums + 5 * overall**2) / (counts + 5))
    return centres, np.sqrt(own * overall).astype(np.float32)


def fit(x: np.ndarray, seed: int, folds: int = FOLDS) -> Familiarity:
    """Clusters of all prompts; what distance is usual comes from prompts that the clusters were not made of, of the first `folds` fifths."""
    fold = np.random.default_rng(seed).permutation(len(x)) % FOLDS
    distances = np.concatenate([
        Familiarity(*_clusters(x[fold != k], seed), np.zeros(0)).distance(x[fold == k]) for k in range(folds) if (fold == k).any()
    ])
    knots = np.quantile(distances, 1 - LEVELS)
    knots[-1] = max(knots[-1], knots[-2]) * 1.05
    return Familiarity(*_clusters(x, seed), np.maximum.accumulate(knots + np.arange(len(knots)) * 1e-6).astype(np.float32))
