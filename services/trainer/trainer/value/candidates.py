"""The predictors that data chooses among."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..served import Head
from .kernel import fit_kernel
from .parts import Blend, LabelTable, Part, fit_clusters, table

NAMES = ("label_table", "clusters", "head", "blend")
"""All that are measured."""
CHOICES = ("label_table", "head", "blend")
"""From the simplest to the richest. Clusters by themselves are shown. The blend takes of all."""


@dataclass(frozen=True)
class Labels:
    """A label policy of the repository, to make a table by its labels."""

    policy: str
    head: Head

    def of(self, x: np.ndarray) -> np.ndarray:
        """Index of each prompt's label."""
        return self.head.run(x).argmax(1)


def labels_of(repository: Path, policy: str = "task_router", width: int | None = None) -> Labels | None:
    """The policy's head; None where the repository has none that fits the encoder, or one with layers of its own, which reads no embedding."""
    if not (repository / f"{policy}_head" / "config.pbtxt").is_file():
        return None
    head = Head(repository, policy)
    fits = not head.has_layers and width in (None, head.session.get_inputs()[0].shape[1])
    return Labels(policy, head) if fits else None


def fit(x: np.ndarray, score: np.ndarray, labels: Labels | None, seed: int, weight: np.ndarray | None = None, shares: np.ndarray | None = None) -> dict[str, Part]:
    """All candidates on these prompts; the blend where it is told how much it takes of each of the others (shares, in their order).

    x: embeddings [prompts, width]; score: [prompts, targets], NaN unknown; weight as `Outcomes` has it.
    """
    made: dict[str, Part] = {}
    if labels is not None:
        made["label_table"] = LabelTable(labels.head, labels.policy, table(labels.of(x), len(labels.head.labels), score, weight))
    made |= {"clusters": fit_clusters(x, score, seed, weight), "head": fit_kernel(x, score, seed, weight)}
    return made if shares is None else {**made, "blend": Blend(tuple(made.values()), shares)}
