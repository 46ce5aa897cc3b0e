"""Predictions as probabilities: how much of what a part says of a prompt's difficulty, and of targets' differences, is to be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .familiarity import trust
from .parts import Part, counted, means

BINS = 10
LOW, HIGH = 0.005, 0.995


@dataclass(frozen=True)
class Calibrated:
    """P of prompts that are familiar. mix: [targets, targets]; bias, mean: [targets]."""

    part: Part
    mix: np.ndarray
    bias: np.ndarray
    mean: np.ndarray

    def predict(self, x: np.ndarray, familiar: np.ndarray) -> np.ndarray:
        """Embeddings [prompts, width], familiarity [prompts] → P(good) [prompts, targets]."""
        return trusted(mixed(self.part.predict(x), self.mix, self.bias), familiar, self.mean)


def mixed(raw: np.ndarray, mix: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What a part says, as probabilities."""
    return np.clip(raw @ mix + bias, LOW, HIGH)


def trusted(p: np.ndarray, familiar: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """P [prompts, targets], drawn to the targets' means [targets] where a prompt is unfamiliar [prompts]: who knows nothing of a prompt
    sends it where the coin would."""
    return mean + trust(familiar)[:, None] * (p - mean)


def fit(raw: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """mix and bias from predictions on prompts held back; NaN scores teach nothing. weight as `Outcomes` has it.

    Two numbers alone are fitted, one for what targets share and one for their differences, so that targets which
    are nearly as good as each other are not torn apart by noise.
    """
    count = raw.shape[1]
    known, count_of = ~np.isnan(score), counted(score, weight)
    overall = means(score, weight)
    level = raw.mean(1, keepdims=True)
    difference = raw - level
    level_mean, difference_mean = level.mean(), difference.mean(0)
    off = np.where(known, score - overall, 0)
    slopes = []
    for signal in (np.repeat(level - level_mean, count, 1), difference - difference_mean):
        with_it = np.where(known, signal, 0)
        slopes.append(float(np.clip((count_of * with_it * off).sum() / max((count_of * with_it**2).sum(), 1e-9), 0, 1.5)))
    shared, own = slopes
    together = np.full((count, count), 1 / count)
    mix = own * (np.eye(count) - together) + shared * together
    bias = overall - shared * level_mean - own * difference_mean
    return mix.astype(np.float32), bias.astype(np.float32)


def table(predicted: np.ndarray, score: np.ndarray) -> list[dict[str, float]]:
    """Tenths of P with what was predicted and what came, all targets together."""
    known = ~np.isnan(score)
    p, s = predicted[known], score[known]
    index = np.minimum((p * BINS).astype(int), BINS - 1)
    return [
        {"from": b / BINS, "to": (b + 1) / BINS, "share": float((index == b).mean()), "predicted": float(p[index == b].mean()), "came": float(s[index == b].mean())}
        for b in range(BINS) if (index == b).any()
    ]


def ece(predicted: np.ndarray, score: np.ndarray) -> float:
    """Expected calibration error over tenths of P, all targets together."""
    return float(sum(row["share"] * abs(row["predicted"] - row["came"]) for row in table(predicted, score)))
