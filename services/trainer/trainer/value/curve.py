"""Cost against quality: what a chooser reaches as money gets dearer, and the coin between fixed targets it has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BUDGETS = 25
SETTINGS = 64


@dataclass(frozen=True)
class Curve:
    """A chooser at every setting, from the dearest to the cheapest. choices: [settings, prompts] target index.

    worth: [settings] USD that a whole point of quality (0 → 1) is worth; infinite: cost is ignored.
    """

    worth: np.ndarray
    choices: np.ndarray

    def points(self, score: np.ndarray, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What each prompt gives and costs at each setting: two arrays [settings, prompts]."""
        rows = np.arange(score.shape[0])
        return score[rows, self.choices], cost[rows, self.choices]


def settings(quality: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """USD a point of quality that are tried: from all that matters is quality to all that matters is cost."""
    spread = np.abs(cost - cost.mean(1, keepdims=True)).mean()
    if spread <= 0:
        return np.array([np.inf])
    inner = spread * np.exp(np.linspace(np.log(3e3), np.log(3e-2), SETTINGS - 2))
    return np.concatenate([[np.inf], inner, [0.0]])


def choose(quality: np.ndarray, cost: np.ndarray, worth: float) -> np.ndarray:
    """Index of the target with the most quality − cost/worth, [prompts]. Ties go to the cheaper one."""
    if worth == 0:
        return np.where(cost <= cost.min(1, keepdims=True) * (1 + 1e-9), quality, -np.inf).argmax(1)
    gain = quality - (0 if np.isinf(worth) else cost / worth)
    return np.where(gain >= gain.max(1, keepdims=True) - 1e-9, -cost, -np.inf).argmax(1)


def sweep(quality: np.ndarray, cost: np.ndarray, worths: np.ndarray) -> Curve:
    """The chooser's curve. quality, cost: predicted, [prompts, targets]."""
    return Curve(worths, np.stack([choose(quality, cost, worth) for worth in worths]))


def hull(cost: np.ndarray, quality: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Upper concave hull from the cheapest to the best point: what coins between them reach. Costs ascend."""
    kept: list[tuple[float, float]] = []
    for i in np.lexsort((-quality, cost)).tolist():
        x, y = float(cost[i]), float(quality[i])
        if kept and y <= kept[-1][1]:
            continue
        while len(kept) >= 2:
            (ax, ay), (bx, by) = kept[-2], kept[-1]
            if (by - ay) * (x - ax) > (y - ay) * (bx - ax):
                break
            kept.pop()
        kept.append((x, y))
    found = np.array(kept)
    return found[:, 0], found[:, 1]


def at_cost(cost: np.ndarray, quality: np.ndarray, budgets: np.ndarray) -> np.ndarray:
    """Quality of a curve at these costs: a mix of the two settings beside. No setting is left out in hindsight."""
    order = np.argsort(cost, kind="stable")
    return np.interp(budgets, cost[order], quality[order])


def cost_of(cost: np.ndarray, quality: np.ndarray, wanted: float) -> float:
    """Least cost at which a curve reaches a quality, by mixing the settings beside; infinite where it never does."""
    return on_hull(*hull(cost, quality), wanted)


def on_hull(x: np.ndarray, y: np.ndarray, wanted: float) -> float:
    """The same of a hull."""
    if y[-1] < wanted - 1e-12:
        return float("inf")
    return float(np.interp(wanted, y, x))


def over_coin(cost: np.ndarray, quality: np.ndarray, fixed_cost: np.ndarray, fixed_quality: np.ndarray) -> float:
    """Points (0…100) of quality above the coin at equal cost: mean over 25 budgets from the cheapest target to the best one.

    cost, quality: [settings] of the chooser; fixed_…: [targets]. 0 where the best target is the cheapest: nothing is to be won.
    """
    x, y = hull(fixed_cost, fixed_quality)
    if len(x) < 2:
        budgets = np.array([x[0]])
    else:
        budgets = np.linspace(x[0], x[-1], BUDGETS)
    return float(100 * (at_cost(cost, quality, budgets) - np.interp(budgets, x, y)).mean())
