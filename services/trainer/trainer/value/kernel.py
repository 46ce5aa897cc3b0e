"""A smooth function of where a prompt lies among the training prompts: ridge regression with a Gaussian kernel on some of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .parts import means, unit
from .ridge import Basis

DIRECTIONS = 128
"""Principal directions in which prompts are compared: as good as all, and a sixth of what a decision costs."""
LANDMARKS = 1_000
"""Training prompts that a prompt is compared with, at most (Nyström's method); drawn by lot where there are more."""
TRIAL = 500
"""Landmarks, at most, on which the narrowness is chosen: told apart as well as by all, in a tenth of the time."""
NARROWNESS = (1.0, 2.0, 4.0)
"""How narrow a kernel is tried: exp(−narrowness · d² / the landmarks' mean d²)."""
JITTER = 1e-6
"""On the kernel's diagonal: prompts that the encoder reads alike."""
LEAST_SPREAD = 1e-4
"""Mean squared distance of unit rows below which they are not pulled apart any further: there is but rounding."""


@dataclass(frozen=True)
class Kernel:
    """Weighted sum of exp(−d²) over landmarks.

    basis: [width, directions], scaled so that the exponent is −d². landmarks: [landmarks, directions]. weight: [targets, landmarks].
    bias: [targets].
    """

    basis: np.ndarray
    landmarks: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        return gauss(unit(x) @ self.basis, self.landmarks) @ self.weight.T + self.bias


def gauss(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """exp(−squared distance), [rows of a, rows of b]."""
    return np.exp(-np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0))


@dataclass(frozen=True)
class Space:
    """Features whose inner products are the kernel's: ridge regression on them is ridge regression with the kernel."""

    basis: np.ndarray
    landmarks: np.ndarray
    triangle: np.ndarray

    @staticmethod
    def of(u: np.ndarray, directions: np.ndarray, narrowness: float) -> Space:
        """u: unit rows of the landmarks, [landmarks, width]."""
        from scipy.linalg import cholesky

        spread = 2 * (u @ directions).var(0).sum()  # the mean of d² over all pairs
        basis = (directions * np.sqrt(narrowness / max(spread, LEAST_SPREAD))).astype(np.float32)
        landmarks = u @ basis
        # Exact to far below JITTER: rounding in fp32 would leave it not positive definite where rows are alike.
        exact = landmarks.astype(np.float64)
        inner = gauss(exact, exact) + JITTER * np.eye(len(u))
        return Space(basis, landmarks, cholesky(inner, lower=True))

    def features(self, u: np.ndarray) -> np.ndarray:
        """Unit rows [prompts, width] → [prompts, landmarks]."""
        from scipy.linalg import solve_triangular

        return solve_triangular(self.triangle, gauss(u @ self.basis, self.landmarks).T.astype(np.float64), lower=True).T

    def kernel(self, weight: np.ndarray, bias: np.ndarray) -> Kernel:
        """The same function as a linear one of the features. weight: [targets, landmarks]."""
        from scipy.linalg import solve_triangular

        on_landmarks = solve_triangular(self.triangle, weight.T, lower=True, trans="T").T
        return Kernel(self.basis, self.landmarks, on_landmarks.astype(np.float32), bias.astype(np.float32))


def fit_kernel(x: np.ndarray, score: np.ndarray, seed: int, weight: np.ndarray | None = None) -> Kernel:
    """What all targets share of a prompt's difficulty, and each target's difference from that.

    Fitted target by target, noise passes for signal among targets that are nearly as good as each other.
    """
    some = ~np.isnan(score).all(1)
    x, score, weight = x[some], score[some], None if weight is None else weight[some]
    known, overall = ~np.isnan(score), means(score, weight)
    off = np.where(known, score - overall, 0)
    tried = known.sum(1)
    whole = tried == score.shape[1]
    u = unit(x)
    space = _space(u, off - off.mean(1, keepdims=True) if whole.all() else off, seed)
    features = space.features(u)
    basis = Basis(features)
    shared_weight, shared_bias = basis.fit((off.sum(1) / np.maximum(tried, 1))[:, None])
    # Where a prompt was tried on some targets only, its difficulty is not known but by what the prompt looks like.
    level = np.where(whole, off.mean(1), (features @ shared_weight.T + shared_bias)[:, 0])
    if whole.all():
        own_weight, own_bias = basis.fit(off - level[:, None])
    else:
        bases = (basis if seen.all() else Basis(features[seen]) for seen in known.T)
        fits = [each.fit((off[:, t] - level)[known[:, t], None]) for t, each in enumerate(bases)]
        own_weight, own_bias = np.concatenate([w for w, _ in fits]), np.concatenate([b for _, b in fits])
    return space.kernel(own_weight + shared_weight, own_bias + shared_bias + overall)


def _space(u: np.ndarray, wanted: np.ndarray, seed: int) -> Space:
    """The kernel as narrow as suits the differences between targets, [prompts, targets], by cross-validation on the landmarks."""
    drawn = np.random.default_rng(seed).permutation(len(u))[:LANDMARKS]
    marks, few = u[drawn], u[drawn[:TRIAL]]
    directions = np.linalg.eigh(np.cov(marks.T.astype(np.float64)))[1][:, ::-1][:, :DIRECTIONS]
    # Features of the landmarks themselves are the triangle, but for the jitter.
    errors = [Basis(Space.of(few, directions, narrowness).triangle).errors(wanted[drawn[:TRIAL]]).sum(1).min() for narrowness in NARROWNESS]
    return Space.of(marks, directions, NARROWNESS[int(np.argmin(errors))])
