"""The predictors that data chooses among."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..served import Head
from .parts import LabelTable, Mean, Part, fit_clusters, fit_linear, table

NAMES = ("label_table", "clusters", "head", "blend")
"""All that are measured."""
CHOICES = ("label_table", "head", "blend")
"""From the simplest to the richest. Clusters by themselves are shown, and are a part of the blend."""


@dataclass(frozen=True)
class Labels:
    """A label policy of the repository, to make a table by its labels."""

    policy: str
    head: Head

    def of(self, x: np.ndarray) -> np.ndarray:
        """Index of each prompt's label."""
        return self.head.run(x).argmax(1)


def labels_of(repository: Path, policy: str = "task_router", width: int | None = None) -> Labels | None:
    """The policy's head; None where the repository has none that fits the encoder."""
    if not (repository / f"{policy}_head" / "config.pbtxt").is_file():
        return None
    head = Head(repository, policy)
    return Labels(policy, head) if width in (None, head.session.get_inputs()[0].shape[1]) else None


def fit(x: np.ndarray, score: np.ndarray, labels: Labels | None, seed: int, weight: np.ndarray | None = None) -> dict[str, Part]:
    """All candidates on these prompts. x: embeddings [prompts, width]; score: [prompts, targets], NaN unknown; weight as `Outcomes` has it."""
    clusters, head = fit_clusters(x, score, seed, weight), fit_linear(x, score, weight)
    made: dict[str, Part] = {"clusters": clusters, "head": head, "blend": Mean((clusters, head))}
    if labels is not None:
        made = {"label_table": LabelTable(labels.head, labels.policy, table(labels.of(x), len(labels.head.labels), score, weight)), **made}
    return made


