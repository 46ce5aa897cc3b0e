"""Calibration by what kind of text it is: a head is surer of English prompts than of orders to agents, and is not equally right about it.

Which kind a text is, the graph tells by itself from the embedding: small softmaxes over language groups and kinds of request. Each group has
a factor of the logits; a text takes the geometric mean of them by its groups' probabilities. So every server of the graph answers alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import languages
from .calibrate import fit_temperature, softmax

LANGUAGES = ("English", "other Latin", "other scripts")
KINDS = ("prompt", "agent", "pipeline", "conversation")
GROUPINGS = {"language": LANGUAGES, "kind": KINDS}
PROBE_STRENGTH = 0.003
"""Inverse regularisation of the group softmaxes: they should be sure only where a text is plain."""
PRIOR = 12.0
"""How strongly a group's factor is held to the others', in rows' worth of evidence: some groups have sixty rows."""


def language_group(row) -> int:
    return LANGUAGES.index(languages.group(languages.of(row.prompt, row.lang)))


def kind_group(row) -> int:
    return KINDS.index(row.kind) if row.kind in KINDS else KINDS.index("conversation")


GROUP_OF = {"language": language_group, "kind": kind_group}


@dataclass(frozen=True)
class Grouping:
    """weight [groups, width], bias [groups]: the softmax that tells the group; log_factor [groups]."""

    weight: np.ndarray
    bias: np.ndarray
    log_factor: np.ndarray

    def shares(self, embeddings: np.ndarray) -> np.ndarray:
        """[texts, groups]"""
        return softmax(embeddings @ self.weight.T + self.bias)


@dataclass(frozen=True)
class Sharpness:
    """What the logits of one head are multiplied with before the softmax. base: of all texts, the inverse of a temperature."""

    base: float
    groupings: tuple[Grouping, ...] = ()

    def of(self, embeddings: np.ndarray) -> np.ndarray:
        """[texts, 1]"""
        total = np.full(len(embeddings), np.log(self.base))
        for grouping in self.groupings:
            total = total + grouping.shares(embeddings) @ grouping.log_factor
        return np.exp(total)[:, None]


def probes(embeddings: np.ndarray, rows: list) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The softmaxes that tell a text's groups, fitted on training rows. rows: with prompt, lang and kind."""
    from .policy import fit as fit_linear

    found = {}
    for name, groups in GROUPINGS.items():
        gold = np.array([GROUP_OF[name](row) for row in rows])
        linear = fit_linear(embeddings, gold, len(groups), PROBE_STRENGTH)
        found[name] = (linear.weight, linear.bias)
    return found


def fit(embeddings: np.ndarray, logits: np.ndarray, gold: np.ndarray, probed: dict[str, tuple[np.ndarray, np.ndarray]]) -> Sharpness:
    """Factors with the least negative log-likelihood on rows that were not trained on."""
    from scipy.optimize import minimize

    shares = [softmax(embeddings @ weight.T + bias) for weight, bias in probed.values()]
    mixed = np.concatenate(shares, 1)
    at = np.arange(len(gold))
    start = -np.log(fit_temperature(logits, gold))

    def loss(free: np.ndarray) -> float:
        scaled = logits * np.exp(free[0] + mixed @ free[1:])[:, None]
        top = scaled.max(1, keepdims=True)
        likelihood = scaled[at, gold] - top[:, 0] - np.log(np.exp(scaled - top).sum(1))
        return -likelihood.sum() + PRIOR * (free[1:] ** 2).sum()

    found = minimize(loss, np.concatenate([[start], np.zeros(mixed.shape[1])]), method="L-BFGS-B").x
    ends = np.cumsum([len(share[0]) for share in shares])[:-1]
    factors = np.split(found[1:], ends)
    groupings = tuple(
        Grouping(weight.astype(np.float32), bias.astype(np.float32), factor.astype(np.float32)) for (weight, bias), factor in zip(probed.values(), factors)
    )
    return Sharpness(float(np.exp(found[0])), groupings)


def save(path: Path, heads: dict[str, Sharpness]) -> None:
    out = {}
    for column, sharpness in heads.items():
        out[f"{column}/base"] = np.array(sharpness.base)
        for number, grouping in enumerate(sharpness.groupings):
            out |= {f"{column}/{number}/{name}": getattr(grouping, name) for name in ("weight", "bias", "log_factor")}
    np.savez(path, **out)


def load(path: Path) -> dict[str, Sharpness]:
    with np.load(path) as file:
        heads = {}
        for column in sorted({name.split("/")[0] for name in file.files}):
            count = len({name.split("/")[1] for name in file.files if name.startswith(f"{column}/")} - {"base"})
            parts = [Grouping(*(file[f"{column}/{number}/{name}"] for name in ("weight", "bias", "log_factor"))) for number in range(count)]
            heads[column] = Sharpness(float(file[f"{column}/base"]), tuple(parts))
    return heads
