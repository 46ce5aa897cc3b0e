"""A chooser's figures against fixed targets and the coin between them, with paired bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .curve import Curve, hull, on_hull, over_coin

KEPT = (1.0, 0.98, 0.95)
SPENT = (0.25, 0.5, 0.75)
SAMPLES = 300


@dataclass(frozen=True)
class Figures:
    """points: quality over the coin at equal cost, in points. cost_at: least cost that keeps 100, 98, 95 % of the best target's quality, as
    a share of its cost (infinite: never). quality_at: quality at 25, 50, 75 % of the best target's cost, as a share of its quality."""

    points: float
    cost_at: tuple[float, ...]
    quality_at: tuple[float, ...]


def figures(cost: np.ndarray, quality: np.ndarray, fixed_cost: np.ndarray, fixed_quality: np.ndarray) -> Figures:
    """From a curve's means [settings] and the fixed targets' [targets]."""
    best = int(fixed_quality.argmax())
    budgets = np.array(SPENT) * fixed_cost[best]
    x, y = hull(cost, quality)
    reached = np.where(budgets < x[0] - 1e-15, np.nan, np.interp(budgets, x, y))
    return Figures(
        over_coin(cost, quality, fixed_cost, fixed_quality),
        tuple(on_hull(x, y, share * fixed_quality[best]) / max(fixed_cost[best], 1e-30) for share in KEPT),
        tuple(float(q / max(fixed_quality[best], 1e-30)) for q in reached),
    )


@dataclass(frozen=True)
class Samples:
    """Bootstrap weights [samples, prompts]: the same for every chooser, so that differences are paired."""

    weights: np.ndarray

    @staticmethod
    def of(units: np.ndarray, seed: int, count: int = SAMPLES) -> Samples:
        """Draws units (prompts, or the groups that stay together) with replacement. units: [prompts]"""
        rng = np.random.default_rng(seed)
        size = int(units.max()) + 1
        drawn = rng.multinomial(size, np.full(size, 1 / size), count).astype(np.float32)[:, units]
        return Samples(drawn / np.maximum(drawn.sum(1, keepdims=True), 1))

    def means(self, values: np.ndarray) -> np.ndarray:
        """[rows, prompts] → [samples, rows]"""
        return self.weights @ values.T.astype(np.float32)


@dataclass(frozen=True)
class Measured:
    """Figures with the same of every bootstrap sample."""

    figures: Figures
    sampled: tuple[Figures, ...]
    cost: np.ndarray
    """[settings] mean USD."""
    quality: np.ndarray

    def interval(self, read) -> tuple[float, float]:
        """95 % of the samples lie in it. read: Figures → number."""
        values = np.array([read(sample) for sample in self.sampled])
        finite = values[~np.isnan(values)]
        if not len(finite):
            return (float("nan"), float("nan"))
        low, high = np.quantile(np.where(np.isinf(finite), 1e9, finite), [0.025, 0.975])
        return (float("inf") if low >= 1e8 else float(low), float("inf") if high >= 1e8 else float(high))


def measure(curve: Curve, score: np.ndarray, cost: np.ndarray, samples: Samples) -> Measured:
    """score, cost: what was measured, without gaps, [prompts, targets]."""
    quality_rows, cost_rows = curve.points(score, cost)
    quality, spent = quality_rows.mean(1), cost_rows.mean(1)
    sampled = tuple(
        figures(c, q, fc, fq)
        for q, c, fq, fc in zip(samples.means(quality_rows), samples.means(cost_rows), samples.means(score.T), samples.means(cost.T))
    )
    return Measured(figures(spent, quality, cost.mean(0), score.mean(0)), sampled, spent, quality)
