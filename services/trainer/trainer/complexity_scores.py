"""SCORES of the complexity head: NVIDIA's seven dimensions and its prompt_complexity_score.

A softmax shares out one unit among the labels, but a prompt may demand reasoning *and* invention. So how much of each a prompt demands is
read off the embedding by a regression on rated prompts (`score_head`), 0…1. number_of_few_shots is told by the labels' logits alone
(is there an example?) times how many there usually are; no_label_reason is that label's probability.
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

RATED = tuple(name for name, _, _ in DIMENSIONS.values())
"""The dimensions that readers rate; `no_label_reason` is the want of all."""
COUNTED = "number_of_few_shots"
READ = tuple(name for name in RATED if name != COUNTED)
"""Those that are read off the embedding."""
TOP = tuple(next((top for of, top, _ in DIMENSIONS.values() if of == name), 1.0) for name in NAMES)
"""The largest value of each of NAMES."""
NONE, EXAMPLE = "No-Label-Reason", "Few-Shot"


@dataclass(frozen=True)
class Readings:
    """READ = embedding @ weight.T + bias, before it is limited to 0…1; examples: how many a prompt has that has any."""

    weight: np.ndarray
    bias: np.ndarray
    examples: float


@dataclass(frozen=True)
class ScoreTables:
    """What the graph needs: each = min(max(embedding @ of_embedding + bias + odds @ of_odds + probabilities @ of_probability, 0), top), odds
    being p(label) / (p(label) + p(none)); SCORES = min(each @ mix, top).
    """

    none: int
    of_embedding: np.ndarray
    bias: np.ndarray
    of_odds: np.ndarray
    of_probability: np.ndarray
    top: np.ndarray
    mix: np.ndarray


def tables(labels: tuple[str, ...], readings: Readings) -> ScoreTables:
    """Tables for complexity labels in this order."""
    of_embedding = np.zeros((readings.weight.shape[1], len(NAMES)), np.float32)
    bias = np.zeros(len(NAMES), np.float32)
    for row, name in enumerate(READ):
        of_embedding[:, NAMES.index(name)] = readings.weight[row]
        bias[NAMES.index(name)] = readings.bias[row]
    of_odds = np.zeros((len(labels), len(NAMES)), np.float32)
    of_odds[labels.index(EXAMPLE), NAMES.index(COUNTED)] = readings.examples
    of_probability = np.zeros_like(of_odds)
    of_probability[labels.index(NONE), NAMES.index("no_label_reason")] = 1
    mix = np.eye(len(NAMES), dtype=np.float32)
    mix[0, 0] = 0
    for name, _, weight in DIMENSIONS.values():
        mix[NAMES.index(name), 0] = weight
    return ScoreTables(labels.index(NONE), of_embedding, bias, of_odds, of_probability, np.array(TOP, np.float32), mix)
