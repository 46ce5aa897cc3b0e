"""What an answer will cost, before it is given: from what answers to such prompts did cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .outcomes import Outcomes


@dataclass(frozen=True)
class Costs:
    """USD of an answer: base + a_token × tokens of the prompt, [targets] each."""

    base: np.ndarray
    a_token: np.ndarray

    def of(self, lengths: np.ndarray) -> np.ndarray:
        """[prompts] → [prompts, targets]"""
        return self.base + np.asarray(lengths)[:, None] * self.a_token


def fit(data: Outcomes) -> Costs:
    """A line for each target through what its answers cost; neither the answer nor the prompt may have a price below zero."""
    lengths = data.lengths
    base, slope = np.zeros(len(data.targets)), np.zeros(len(data.targets))
    for t in range(len(data.targets)):
        known = ~np.isnan(data.cost[:, t])
        x, y = lengths[known], data.cost[known, t]
        variance = x.var() if len(x) > 1 else 0.0
        b = ((x - x.mean()) * (y - y.mean())).mean() / variance if variance > 0 else 0.0
        b = max(0.0, b)
        if y.mean() - b * x.mean() < 0:  # all of it is the prompt's
            b = y.mean() / x.mean()
        base[t], slope[t] = max(0.0, y.mean() - b * x.mean()), b
    return Costs(base, slope)
