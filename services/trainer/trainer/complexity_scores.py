"""SCORES of the complexity head: NVIDIA's seven dimensions and its prompt_complexity_score, from our one softmax.

A softmax shares out one unit among the labels, but a prompt may demand reasoning *and* invention. So a dimension is
weighed against No-Label-Reason alone: p(label) / (p(label) + p(No-Label-Reason)), which is the sigmoid of the two calibrated
logits' difference. It rises with its own label's logit, is near 0 for routine work, and several dimensions can be high at
once. number_of_few_shots is the same on the card's 0…5 scale; no_label_reason is that label's probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NAMES = (
    "prompt_complexity_score", "creativity_scope", "reasoning", "contextual_knowledge", "number_of_few_shots",
    "domain_knowledge", "no_label_reason", "constraint_ct",
)

DIMENSIONS = {
    "Creativity": ("creativity_scope", 1.0, 0.35), "Reasoning": ("reasoning", 1.0, 0.25),
    "Contextual-Knowledge": ("contextual_knowledge", 1.0, 0.05), "Few-Shot": ("number_of_few_shots", 5.0, 0.05),
    "Domain-Knowledge": ("domain_knowledge", 1.0, 0.15), "Constraint": ("constraint_ct", 1.0, 0.15),
}
"""Label → dimension, its largest value, and its weight in NVIDIA's prompt_complexity_score."""

NONE = "No-Label-Reason"


@dataclass(frozen=True)
class ScoreTables:
    """What the graph needs: SCORES = min(odds @ of_odds + probabilities @ of_probability, top)."""

    none: int
    of_odds: np.ndarray
    of_probability: np.ndarray
    top: np.ndarray


def tables(labels: tuple[str, ...]) -> ScoreTables:
    """Tables for complexity labels in this order."""
    of_odds = np.zeros((len(labels), len(NAMES)), np.float32)
    of_probability = np.zeros_like(of_odds)
    top = np.ones(len(NAMES), np.float32)
    for row, label in enumerate(labels):
        if label == NONE:
            of_probability[row, NAMES.index("no_label_reason")] = 1
            continue
        dimension, scale, weight = DIMENSIONS[label]
        of_odds[row, NAMES.index(dimension)] = scale
        of_odds[row, 0] = weight * scale
        top[NAMES.index(dimension)] = scale
    return ScoreTables(labels.index(NONE), of_odds, of_probability, top)
