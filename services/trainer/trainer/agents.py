"""How surely the complexity and the task of what agents ask are told.

An agent's order leaves most of what it demands in the code and the files around it, which the encoder does not read, and nothing in its
words says so. The router knows who asks: its controller divides the logits of such requests by a temperature of their own, which stands
in the policy's configuration (parameter `agent_temperature`). It is fitted on our own bodies that are held back from training.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import labels, repository
from .calibrate import fit_temperature, tempered
from .data import Row, passage_of
from .served import Encoder, Head

FOLDS = 5
LEAST_ROWS = 50


def loss(probabilities: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row, nats."""
    return -np.log(np.maximum(probabilities[np.arange(len(gold)), gold], 1e-9))


def fit(probabilities: np.ndarray, gold: np.ndarray, passages: list[str]) -> tuple[float, float, float]:
    """(temperature, what it saves on rows it was not fitted on, the standard error of that), nats a row.

    Rows that share a passage go together, one fold each time.
    """
    logs = np.log(np.maximum(probabilities, 1e-30))
    order = {name: at for at, name in enumerate(sorted(set(passages)))}
    fold = np.random.default_rng(0).permutation(len(order))[[order[name] for name in passages]] % FOLDS
    saved = np.zeros(len(gold))
    for number in range(FOLDS):
        out = fold == number
        saved[out] = loss(probabilities[out], gold[out]) - loss(tempered(probabilities[out], fit_temperature(logs[~out], gold[~out])), gold[out])
    return fit_temperature(logs, gold), float(saved.mean()), float(saved.std() / np.sqrt(len(gold)))


def as_told(head: Head, probabilities: np.ndarray, rows: list[Row]) -> np.ndarray:
    """[rows, labels] as the router's controller tells them: agents' rows by the temperature that the policy's configuration has."""
    asked = np.array([row.agent for row in rows], bool)
    return np.where(asked[:, None], tempered(probabilities, head.agent_temperature), probabilities)


def install(folder: Path, rows: list[Row], log) -> None:
    """Fits it for each head of the repository on agents' rows, and tells it where it pays by more than a standard error; else there is none."""
    encoder = Encoder(folder)
    for column, names in labels.HEADS.items():
        asked = [row for row in rows if row.agent and getattr(row, column) in names]
        if len(asked) < LEAST_ROWS:
            log(f"{column}: {len(asked)} requests of agents are held back, too few for a temperature of their own")
            continue
        gold = np.array([names.index(getattr(row, column)) for row in asked])
        told = Head(folder, labels.POLICIES[column]).probabilities(encoder, [row.prompt for row in asked])
        temperature, saved, error = fit(told, gold, [passage_of(row.prompt) for row in asked])
        pays = saved > error
        repository.tell_agents(folder, labels.POLICIES[column], temperature if pays else 1.0)
        log(f"{column}: {len(asked)} requests of agents ask for a temperature of {temperature:.2f}, which saves {saved:.3f} ± {error:.3f} nats a row"
            f" where it was not fitted: {'told' if pays else 'not worth it, none is told'}")
