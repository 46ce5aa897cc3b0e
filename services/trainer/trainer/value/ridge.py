"""Ridge regression with its penalty by generalised cross-validation: one decomposition serves all penalties."""

from __future__ import annotations

import numpy as np

PENALTIES = np.exp(np.linspace(np.log(1e-1), np.log(1e6), 29))


class Basis:
    """A decomposed design matrix; rows are prompts."""

    def __init__(self, x: np.ndarray) -> None:
        self.mean = x.mean(0)
        centred = (x - self.mean).astype(np.float64)
        wide = len(centred) <= centred.shape[1]
        values, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
        values = np.maximum(values, 0)
        keep = values > 1e-8 * max(values.max(initial=0), 1e-12)
        self.singular2, vectors = values[keep], vectors[:, keep]
        self.left = vectors if wide else (centred @ vectors) / np.sqrt(self.singular2)
        self.right = (centred.T @ vectors) / np.sqrt(self.singular2) if wide else vectors

    def errors(self, y: np.ndarray) -> np.ndarray:
        """Generalised cross-validation's squared error, [penalties, outputs]. y: [rows, outputs]."""
        centred = y - y.mean(0)
        projected, total = self.left.T @ centred, (centred**2).sum(0)
        found = []
        for penalty in PENALTIES:
            shrink = self.singular2 / (self.singular2 + penalty)
            rest = total - ((1 - (1 - shrink) ** 2)[:, None] * projected**2).sum(0)
            freedom = 1 - (shrink.sum() + 1) / len(y)
            found.append(rest / max(freedom, 1e-3) ** 2)
        return np.array(found)

    def fit(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights [outputs, features] and bias [outputs], with one penalty for all outputs. y: [rows, outputs]."""
        best = PENALTIES[self.errors(y).sum(1).argmin()]
        centre = y.mean(0)
        scale = np.sqrt(self.singular2) / (self.singular2 + best)
        weight = (self.right @ (scale[:, None] * (self.left.T @ (y - centre)))).T
        return weight, centre - weight @ self.mean
