"""One sentence: route, and what that saves; or don't, and use which target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .measures import KEPT
from .study import Study

AS_GOOD = 0.97
"""A target with so much of the best one's quality at half its cost or less is the one to use."""
HALF = 0.5


@dataclass(frozen=True)
class Verdict:
    """routes: whether a policy is worth having. use: the one target to take otherwise. text: the sentence."""

    routes: bool
    use: str
    text: str


def single(quality: np.ndarray, cost: np.ndarray) -> int:
    """Index of the target to use alone."""
    best = int(quality.argmax())
    near = [t for t in range(len(quality)) if quality[t] >= AS_GOOD * quality[best] and cost[t] <= HALF * cost[best]]
    return min(near, key=lambda t: cost[t]) if near else best


def points(value: float) -> str:
    return f"{value:+.1f}"


def percent(share: float) -> str:
    return "never" if np.isinf(share) else f"{100 * share:.0f} %"


def of(study: Study) -> Verdict:
    """Routes only where the chooser's whole interval lies above the coin, and above what knowing costs alone would give."""
    quality, cost, names = study.score.mean(0), study.cost.mean(0), study.data.targets
    best, use = int(quality.argmax()), single(quality, cost)
    low, high = study.interval
    figures = study.chosen.figures
    interval = f"[{points(low)}, {points(high)}]"
    at95, coin95 = figures.cost_at[KEPT.index(0.95)], coin_at(study, 0.95)
    if low > 0 and study.over_blind[0] > 0:
        saving = (
            f"95 % of {names[best]}'s quality at {percent(at95)} of its cost, where a coin between targets needs {percent(coin95)}"
            if np.isfinite(at95) else f"95 % of {names[best]}'s quality is not reached, but cheaper mixes gain"
        )
        return Verdict(True, names[use], f"Route: {saving}; at equal cost {points(figures.points)} points of quality over that coin {interval}.")
    if use != best:
        why = f"it has {100 * quality[use] / quality[best]:.1f} % of {names[best]}'s quality at {percent(cost[use] / cost[best])} of its cost"
    elif cost[best] <= cost.min() * (1 + 1e-9):
        why = "it is the best and the cheapest"
    else:
        why = f"it is the best on these prompts ({quality[best]:.3f})"
    rival = "a coin at equal cost" if low <= 0 else f"sending short prompts to dear targets, which gives {points(study.blind.figures.points)} points over a coin,"
    return Verdict(
        False, names[use],
        f"Do not route, use {names[use]}: {why}, and choosing by prompt is not proven better than {rival} ({points(figures.points)} points {interval}).",
    )


def coin_at(study: Study, share: float) -> float:
    """Cost at which a coin between fixed targets keeps this share of the best one's quality, as a share of its cost."""
    from .curve import cost_of

    quality, cost = study.score.mean(0), study.cost.mean(0)
    best = int(quality.argmax())
    return cost_of(cost, quality, share * quality[best]) / max(cost[best], 1e-30)
