"""What was measured: one row a prompt, one column a target; a cell that nobody tried is NaN."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

CHARS_A_TOKEN = 4


@dataclass(frozen=True)
class Outcomes:
    """Scores and costs of targets on prompts.

    score: [prompts, targets], 0…1. cost: [prompts, targets], USD. output_tokens, input_tokens: [prompts, targets].
    NaN is unknown. groups: one name a prompt, or None. rows: lines that were read. weight: [prompts, targets], 1 / the probability with
    which this cell came to be known, 0 where it is not; None: chance decided, for all prompts alike.
    """

    prompts: list[str]
    targets: tuple[str, ...]
    score: np.ndarray
    cost: np.ndarray
    input_tokens: np.ndarray
    output_tokens: np.ndarray
    groups: tuple[str, ...] | None
    rows: int
    notes: tuple[str, ...] = ()
    weight: np.ndarray | None = None

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each prompt: as measured, else a quarter of its characters. [prompts]"""
        with np.errstate(all="ignore"):
            counted = np.where(np.isnan(self.input_tokens), 0, self.input_tokens).sum(1) / np.maximum(1, (~np.isnan(self.input_tokens)).sum(1))
        guessed = np.array([max(1, len(prompt) / CHARS_A_TOKEN) for prompt in self.prompts])
        return np.where(counted > 0, counted, guessed)

    def take(self, rows: np.ndarray) -> Outcomes:
        """The same of some prompts."""
        return replace(
            self, prompts=[self.prompts[i] for i in rows], score=self.score[rows], cost=self.cost[rows],
            input_tokens=self.input_tokens[rows], output_tokens=self.output_tokens[rows],
            groups=None if self.groups is None else tuple(self.groups[i] for i in rows),
            weight=None if self.weight is None else self.weight[rows],
        )
