"""Predictions for prompts that a predictor has not seen: like the rest, and of groups that were left out whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import calibration, candidates, familiarity, folds, money
from .candidates import Labels
from .outcomes import Outcomes


@dataclass(frozen=True)
class Held:
    """P(good) [prompts, targets] by candidate, expected cost [prompts, targets], familiarity [prompts] (None: not asked): all as known
    without the prompt itself. mixes: calibrations."""

    predicted: dict[str, np.ndarray]
    cost: np.ndarray
    familiar: np.ndarray | None
    mixes: dict[str, tuple[np.ndarray, np.ndarray]]


def run(x: np.ndarray, data: Outcomes, fold: np.ndarray, labels: Labels | None, seed: int, *, unlike: bool = False, mixes=None, log=lambda _: None) -> Held:
    """Fits on all folds but one, predicts that one. `mixes`: calibrations to use; without them they are fitted on these predictions."""
    raw: dict[str, np.ndarray] = {}
    cost = np.zeros_like(data.score)
    familiar = np.ones(len(x)) if unlike else None
    kinds = np.unique(fold)
    for number, k in enumerate(kinds, 1):
        train, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        some = data.take(train)
        for name, part in candidates.fit(x[train], some.score, labels, seed).items():
            raw.setdefault(name, np.zeros_like(data.score))[test] = part.predict(x[test])
        cost[test] = money.fit(some).of(data.lengths[test])
        if familiar is not None:
            familiar[test] = familiarity.fit(x[train], seed, folds=1).of(x[test])
        log(f"{'left out' if unlike else 'cross-validation'}: {number} of {len(kinds)}")
    mixes = mixes or {name: calibration.fit(values, data.score) for name, values in raw.items()}
    predicted = {name: np.clip(values @ mixes[name][0] + mixes[name][1], calibration.LOW, calibration.HIGH) for name, values in raw.items()}
    return Held(predicted, cost, familiar, mixes)


def filled(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Cells that nobody measured, as doubly robust estimates: unbiased in the mean where chance decided what was measured.

    measured: [prompts, targets], NaN unknown; predicted: what a predictor says that has not seen the prompt.
    """
    known = ~np.isnan(measured)
    if known.all():
        return measured
    share = np.maximum(known.mean(0), 1e-9)
    return predicted + np.where(known, np.where(known, measured, 0) - predicted, 0) / share
