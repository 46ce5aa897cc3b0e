"""Predictions for prompts that a predictor has not seen: like the rest, and of groups that were left out whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import calibration, candidates, familiarity, money, stack
from .candidates import Labels
from .familiarity import Familiarity
from .outcomes import Outcomes
from .parts import blended, means


@dataclass(frozen=True)
class Held:
    """P(good) [prompts, targets] by candidate, expected cost [prompts, targets], familiarity [prompts]: all as known without the prompt
    itself. mixes: calibrations. shares: how much of each candidate the blend takes. measure: of familiarity, from all prompts (None: whole groups were left out, or it was not asked)."""

    predicted: dict[str, np.ndarray]
    cost: np.ndarray
    familiar: np.ndarray
    mixes: dict[str, tuple[np.ndarray, np.ndarray]]
    shares: np.ndarray
    measure: Familiarity | None


@dataclass(frozen=True)
class Known:
    """What is there beside the data. general: embeddings of prompts of all kinds. trusting: what is unfamiliar is drawn to the targets'
    means, as a value head does it; a table by label does not."""

    labels: Labels | None
    general: np.ndarray | None = None
    trusting: bool = True


def run(x: np.ndarray, data: Outcomes, fold: np.ndarray, known: Known, seed: int, *, unlike: bool = False, like: Held | None = None, log=lambda _: None) -> Held:
    """Fits on all folds but one, predicts that one. `like`: where calibrations and shares come from; without it they are fitted here."""
    raw: dict[str, np.ndarray] = {}
    cost = np.zeros_like(data.score)
    familiar, measure = np.ones(len(x)), None
    if known.trusting and not unlike:
        measure, familiar = familiarity.fit(x, known.general, seed, fold=fold)
    kinds = np.unique(fold)
    for number, k in enumerate(kinds, 1):
        train, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        some = data.take(train)
        for name, part in candidates.fit(x[train], some.score, known.labels, seed, some.weight).items():
            raw.setdefault(name, np.zeros_like(data.score))[test] = part.predict(x[test])
        cost[test] = money.fit(some).of(data.lengths[test])
        if known.trusting and unlike:
            familiar[test] = familiarity.fit(x[train], known.general, seed, folds=1)[0].of(x[test])
        log(f"{'left out' if unlike else 'cross-validation'}: {number} of {len(kinds)}")
    said = list(raw.values())
    shares = like.shares if like else stack.shares(said, data.score, data.weight)
    raw["blend"] = blended(said, shares) if like else stack.held(said, data.score, fold, data.weight)
    mixes = like.mixes if like else {name: calibration.fit(values, data.score, data.weight) for name, values in raw.items()}
    # The means are those of the whole file also where groups are left out: the coin that all is held against knows them, too, and means
    # without a group lie on the other side of the group's own, so that falling back to them would be worse than any coin.
    mean = means(data.score, data.weight)
    predicted = {name: calibration.trusted(calibration.mixed(values, *mixes[name]), familiar, mean) for name, values in raw.items()}
    return Held(predicted, cost, familiar, mixes, shares, measure)


def filled(measured: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Cells that nobody measured, as doubly robust estimates: right in the mean where the predictions are, or where the chances are with
    which cells came to be measured.

    measured: [prompts, targets], NaN unknown; predicted: what a predictor says that has not seen the prompt; weight as `Outcomes` has it.
    """
    known = ~np.isnan(measured)
    if known.all():
        return measured
    # Weights of one target are one on average, by what they are; what chance has made of that is taken out.
    share = known if weight is None else np.where(known, weight, 0)
    return predicted + np.where(known, measured - predicted, 0) * share / np.maximum(share.mean(0), 1e-9)
