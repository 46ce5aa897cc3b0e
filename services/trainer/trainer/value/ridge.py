"""Ridge regression with its penalty by generalised cross-validation: one decomposition serves all penalties."""

from __future__ import annotations

import numpy as np

PENALTIES = np.exp(np.linspace(np.log(1e-1), np.log(1e6), 29))


class Basis:
    """A decomposed design matrix; rows are prompts."""

    def __init__(self, x: np.ndarray) -> None:
        self.mean = x.mean(0)
        self.deviation = x.std(0) + 1e-6
        scaled = ((x - self.mean) / self.deviation).astype(np.float64)
        if len(scaled) <= scaled.shape[1]:
            values, self.left = np.linalg.eigh(scaled @ scaled.T)
            self.singular2 = np.maximum(values, 0)
            keep = self.singular2 > 1e-8 * max(self.singular2.max(initial=0), 1e-12)
            self.left, self.singular2 = self.left[:, keep], self.singular2[keep]
            self.right = (scaled.T @ self.left) / np.sqrt(self.singular2)
        else:
            values, self.right = np.linalg.eigh(scaled.T @ scaled)
            self.singular2 = np.maximum(values, 0)
            keep = self.singular2 > 1e-8 * max(self.singular2.max(initial=0), 1e-12)
            self.right, self.singular2 = self.right[:, keep], self.singular2[keep]
            self.left = (scaled @ self.right) / np.sqrt(self.singular2)

    def fit(self, y: np.ndarray, shared: bool) -> tuple[np.ndarray, np.ndarray]:
        """Weights [outputs, features] and bias [outputs] for the raw features.

        y: [rows, outputs]. shared: one penalty for all outputs, else one each.
        """
        centre = y.mean(0)
        projected = self.left.T @ (y - centre)
        total = ((y - centre) ** 2).sum(0)
        errors = []
        for penalty in PENALTIES:
            shrink = self.singular2 / (self.singular2 + penalty)
            rest = total - ((1 - (1 - shrink) ** 2)[:, None] * projected**2).sum(0)
            freedom = 1 - (shrink.sum() + 1) / len(y)
            errors.append(rest / max(freedom, 1e-3) ** 2)
        table = np.array(errors)
        best = np.full(y.shape[1], table.sum(1).argmin()) if shared else table.argmin(0)
        scale = np.sqrt(self.singular2)[:, None] / (self.singular2[:, None] + PENALTIES[best][None])
        weight = ((self.right @ (scale * projected)) / self.deviation[:, None]).T
        return weight.astype(np.float32), (centre - weight @ self.mean).astype(np.float32)
