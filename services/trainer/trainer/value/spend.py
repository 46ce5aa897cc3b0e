"""Costs for every target: measured, or from tokens and prices; and how many tokens each is expected to write."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..policy_data import SHOWN
from ..rows import BadData
from .outcomes import Outcomes

ANSWER_TOKENS = 400
"""Where nothing tells how long a target's answers are."""


@dataclass(frozen=True)
class Price:
    """USD a million tokens. Raises ValueError for what is no price."""

    input: float
    output: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) and value >= 0 for value in (self.input, self.output)):
            raise ValueError("a price is a number of USD, 0 or above")


def priced(data: Outcomes, prices: dict[str, Price]) -> Outcomes:
    """Data whose every target has costs. Raises BadData naming targets of which nothing tells a cost."""
    cost = data.cost.copy()
    notes = list(data.notes)
    lengths = data.lengths
    estimated, guessed, without = [], [], []
    for t, name in enumerate(data.targets):
        gap = np.isnan(cost[:, t]) & ~np.isnan(data.score[:, t])
        if not gap.any():
            continue
        price = prices.get(name)
        if price is None:
            if gap.all() or np.isnan(cost[:, t]).all():
                without.append(name)
            continue  # what is measured of it says enough
        answers = data.output_tokens[:, t]
        usual = np.nanmean(answers) if not np.isnan(answers).all() else ANSWER_TOKENS
        (estimated if not np.isnan(answers).all() else guessed).append(name)
        written = np.where(np.isnan(answers), usual, answers)
        cost[gap, t] = (lengths[gap] * price.input + written[gap] * price.output) / 1e6
    if without and len(without) == len(data.targets) == 2:
        better = int(np.nanmean(data.score[:, 1]) >= np.nanmean(data.score[:, 0]))
        cost = np.where(np.isnan(data.score), np.nan, np.array([0.0, 1.0]) if better else np.array([1.0, 0.0]))
        notes.append(f"no costs and no prices: a call of {data.targets[better]} counts 1 and of {data.targets[1 - better]} 0, so costs are shares of its calls")
    elif without:
        raise BadData(
            f"no cost of {len(without)} target(s): {', '.join(without[:SHOWN])}. Give the rows a 'cost' (USD), or output_tokens and prices: "
            "--prices FILE with lines name,input,output (USD a million tokens), or --config with a `price` for these targets")
    if estimated:
        notes.append(f"costs by price and measured tokens: {', '.join(estimated[:SHOWN])}")
    if guessed:
        notes.append(f"costs by price and {ANSWER_TOKENS} answer tokens each, because the file tells none: {', '.join(guessed[:SHOWN])}")
    return replace(data, cost=cost, notes=tuple(notes))


def expected_tokens(data: Outcomes, prices: dict[str, Price]) -> np.ndarray:
    """Output tokens of each target, [targets]: measured, else what its cost leaves after the prompt, else 400."""
    made = np.full(len(data.targets), float(ANSWER_TOKENS))
    for t, name in enumerate(data.targets):
        if not np.isnan(data.output_tokens[:, t]).all():
            made[t] = np.nanmean(data.output_tokens[:, t])
        elif name in prices and prices[name].output > 0 and not np.isnan(data.cost[:, t]).all():
            left = np.nanmean(data.cost[:, t] * 1e6 - data.lengths * prices[name].input) / prices[name].output
            made[t] = left if left > 0 else ANSWER_TOKENS
    return np.maximum(made, 1)
