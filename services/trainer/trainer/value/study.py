"""The whole study of one evaluation file: every chooser measured, one of them chosen, and a verdict that may be not to route."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import calibration, candidates, crossfit, folds
from .crossfit import Held, Known
from .curve import Curve, settings, sweep
from .measures import Measured, Samples, measure
from .outcomes import Outcomes
from .pair import pair


@dataclass(frozen=True)
class Study:
    """score, cost: measured, gaps filled in by estimates, [prompts, targets]. like, unlike: choosers by name, measured on prompts like the
    training ones and on groups left out; `oracle` and `fixed` (every target alone, [targets]) are for comparison."""

    data: Outcomes
    score: np.ndarray
    cost: np.ndarray
    worths: np.ndarray
    held: Held
    curves: dict[str, Curve]
    like: dict[str, Measured]
    held_unlike: Held | None
    unlike: dict[str, Measured]
    oracle: Measured
    blind: Measured
    """Knows what an answer will cost and nothing of how good it will be: dear targets get short prompts."""
    predictor: str
    differences: dict[str, tuple[float, float]]
    """Squared error (`missed`) of this candidate minus the best one's, and the standard error of that."""

    @property
    def chosen(self) -> Measured:
        return self.like[self.predictor]

    @property
    def interval(self) -> tuple[float, float]:
        """Of the chosen one's points over the coin."""
        return self.chosen.interval(lambda f: f.points)

    @property
    def over_blind(self) -> tuple[float, float]:
        """95 % interval of the chosen one's points above those of the blind one, paired."""
        gaps = [a.points - b.points for a, b in zip(self.chosen.sampled, self.blind.sampled)]
        low, high = np.quantile(gaps, [0.025, 0.975])
        return float(low), float(high)

    @property
    def ece(self) -> float:
        return calibration.ece(self.held.predicted[self.predictor], self.data.score)

    @property
    def pair(self) -> dict[str, float] | None:
        """RouteLLM's figures, for two targets."""
        if len(self.data.targets) != 2:
            return None
        weak, strong = np.argsort(self.score.mean(0), kind="stable")
        p = self.held.predicted[self.predictor]
        return pair(p[:, strong] - p[:, weak], self.score[:, weak], self.score[:, strong])


def missed(predicted: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Squared error of what a prediction says of targets' differences, [prompts]; what they share moves no prompt from one to another."""
    return ((predicted - predicted.mean(1, keepdims=True) - score + score.mean(1, keepdims=True)) ** 2).sum(1)


def simplest(errors: dict[str, np.ndarray], samples: Samples) -> tuple[str, dict[str, tuple[float, float]]]:
    """The first of the candidates that is within one standard error of the best; the error is that of their paired difference.

    errors: `missed` by candidate. Every prediction counts there, where points over the coin see only which target is first: too coarse to
    tell candidates apart on a thousand prompts (decision 32).
    """
    best = min(errors, key=lambda name: errors[name].mean())
    gaps = {name: one - errors[best] for name, one in errors.items()}
    differences = {name: (float(gap.mean()), float(samples.means(gap[None]).std())) for name, gap in gaps.items()}
    return next(name for name, (behind, error) in differences.items() if behind <= error), differences


def run(data: Outcomes, x: np.ndarray, known: Known, *, folds_count: int = 5, seed: int = 0, only: str | None = None, log=lambda _: None) -> Study:
    """x: embeddings [prompts, width] of the data's prompts. only: the predictor to take, whatever the others reach."""
    fold = folds.like(data.prompts, data.groups, folds_count, seed)
    held = crossfit.run(x, data, fold, known, seed, log=log)
    score = crossfit.filled(data.score, held.predicted["head"], data.weight)
    cost = crossfit.filled(data.cost, held.cost, data.weight)
    worths = settings(held.predicted["head"], held.cost)
    samples = Samples.of(folds.twins(data.prompts), seed)
    curves = {name: sweep(held.predicted[name], held.cost, worths) for name in candidates.NAMES if name in held.predicted}
    like = {name: measure(curve, score, cost, samples) for name, curve in curves.items()}
    predictor, differences = simplest({name: missed(held.predicted[name], score) for name in candidates.CHOICES if name in like}, samples)
    predictor = only or predictor

    held_unlike, unlike = None, {}
    left_out = folds.unlike(data.groups, seed)
    if left_out is not None:
        held_unlike = crossfit.run(x, data, left_out, known, seed, unlike=True, like=held, log=log)
        unlike = {name: measure(sweep(held_unlike.predicted[name], held_unlike.cost, worths), score, cost, samples) for name in curves}
    oracle = measure(sweep(score, cost, worths), score, cost, samples)
    known_means = np.repeat(score.mean(0)[None], len(x), 0)
    blind = measure(sweep(known_means, held.cost, worths), score, cost, samples)
    return Study(data, score, cost, worths, held, curves, like, held_unlike, unlike, oracle, blind, predictor, differences)
