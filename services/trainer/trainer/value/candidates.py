"""The predictors that data chooses among."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..served import Encoder, Head
from .kernel import fit_kernel
from .parts import Blend, LabelTable, Part, fit_clusters, table

NAMES = ("label_table", "clusters", "head", "blend")
"""All that are measured."""
CHOICES = ("label_table", "head", "blend")
"""From the simplest to the richest. Clusters by themselves are shown. The blend takes of all."""


class Remembered:
    """A head with layers of its own, which reads more of the encoder than the embedding: what it said of these prompts, found by their embedding."""

    def __init__(self, head: Head, encoder: Encoder, prompts: list[str], x: np.ndarray, log=lambda _: None) -> None:
        self.labels = head.labels
        said = head.probabilities(encoder, prompts, progress=lambda done, of: log(f"{head.policy}: {done:,} of {of:,} prompts"))
        self._said = {row.tobytes(): probabilities for row, probabilities in zip(x, said)}

    def run(self, x: np.ndarray) -> np.ndarray:
        """Like `Head.run`, of these prompts alone."""
        return np.stack([self._said[row.tobytes()] for row in x])


@dataclass(frozen=True)
class Labels:
    """A label policy of the repository, to make a table by its labels."""

    policy: str
    head: Head | Remembered

    def of(self, x: np.ndarray) -> np.ndarray:
        """Index of each prompt's label."""
        return self.head.run(x).argmax(1)


def labels_of(repository: Path, policy: str = "task_router", width: int | None = None) -> Labels | None:
    """The policy's head; None where the repository has none that fits the encoder, or one with layers of its own, which reads no embedding."""
    if not has_head(repository, policy):
        return None
    head = Head(repository, policy)
    fits = not head.has_layers and width in (None, head.session.get_inputs()[0].shape[1])
    return Labels(policy, head) if fits else None


def has_head(repository: Path, policy: str) -> bool:
    """Whether the repository holds a head of this policy."""
    return (repository / f"{policy}_head" / "config.pbtxt").is_file()


def label_policies(repository: Path) -> list[str]:
    """Names of the policies that give a prompt a label, sorted; value policies give a prompt's worth."""
    configs = sorted(repository.glob("*_head/config.pbtxt"))
    return [path.parent.name.removesuffix("_head") for path in configs if 'string_value: "value"' not in path.read_text(encoding="utf-8")]


def labels_for(repository: Path, policy: str, prompts: list[str], x: np.ndarray, log=lambda _: None) -> Labels | None:
    """Labels of these prompts, whatever the head of a policy that is there reads; None where it does not fit the encoder. x: their embeddings."""
    head = Head(repository, policy)
    if head.has_layers:
        return Labels(policy, Remembered(head, Encoder(repository), prompts, x, log))
    return labels_of(repository, policy, x.shape[1])


def fit(x: np.ndarray, score: np.ndarray, labels: Labels | None, seed: int, weight: np.ndarray | None = None, shares: np.ndarray | None = None) -> dict[str, Part]:
    """All candidates on these prompts; the blend where it is told how much it takes of each of the others (shares, in their order).

    x: embeddings [prompts, width]; score: [prompts, targets], NaN unknown; weight as `Outcomes` has it.
    """
    made: dict[str, Part] = {}
    if labels is not None:
        made["label_table"] = LabelTable(labels.head, labels.policy, table(labels.of(x), len(labels.head.labels), score, weight))
    made |= {"clusters": fit_clusters(x, score, seed, weight), "head": fit_kernel(x, score, seed, weight)}
    return made if shares is None else {**made, "blend": Blend(tuple(made.values()), shares)}
