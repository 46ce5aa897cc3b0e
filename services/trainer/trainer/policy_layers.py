"""`policy` with layers of the policy's own: its last two encoder layers, tuned on the served states before them, with pooling and head.

Worth minutes of training where there are many texts: a head alone sees only what the shared layers left in EMBEDDING. They cost a decision a
quarter of the encoder's time, and a model of 4 MB.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import evaluate, export_onnx, own_layers, own_layers_train, quantize, repository, resume, tokens
from .calibrate import fit_temperature, softmax
from .own_layers_train import States
from .policy_data import Examples
from .served import EMBEDDING, MASK, STATES, Encoder, newest, session
from .shape import OWN_LAYERS, WIDTH

MIN_ROWS = 1_000
"""Texts from which layers are tried unasked: with fewer they win little, and the head takes seconds."""
HELD_BACK, MOST_HELD = 0.1, 3_000
"""Share of the rows, and how many at most, that neither trains on and both are compared on."""
CHANCE = 0.05
"""The layers are taken where the head would fall so far behind by chance more seldom than this."""
MOST_TOKENS = 1_000_000
"""Of which states are kept: .8 GB. Rows beyond, drawn by lot, do not train the layers."""
ROW_EPOCHS = 120_000
"""Rows times epochs of a training, within these bounds of epochs:"""
FEWEST, MOST = 2, 12
SECONDS_A_TOKEN = 650e-6
"""Of one core (Xeon of 2023) for each epoch."""


@dataclass(frozen=True)
class Read:
    """What the encoder made of the texts; rows that are not kept have no states, and length 0."""

    embeddings: np.ndarray
    states: States


@dataclass(frozen=True)
class Compared:
    """Both on the rows held back: how many are right, and how many only by one of them."""

    rows: int
    head: int
    layers: int
    only_head: int
    only_layers: int

    @property
    def chance(self) -> float:
        """How likely two equals would differ so much in the layers' favour (one-sided sign test)."""
        told = self.only_head + self.only_layers
        return sum(math.comb(told, more) for more in range(self.only_layers, told + 1)) / 2**told

    def text(self) -> str:
        return (f"{self.rows:,} rows held back: right by layers of its own {self.layers / self.rows:.3f}, by the head {self.head / self.rows:.3f} "
                f"(only by the layers {self.only_layers}, only by the head {self.only_head})")


def split(gold: np.ndarray, seed: int, share: float = HELD_BACK, most: int = MOST_HELD) -> np.ndarray:
    """True where a row is held back: a share of every label, never its last example."""
    rng = np.random.default_rng(seed)
    share = min(share, most / len(gold))
    held = np.zeros(len(gold), bool)
    for label in np.unique(gold):
        rows = rng.permutation(np.flatnonzero(gold == label))
        held[rows[: min(len(rows) - 1, max(1, round(len(rows) * share)))]] = True
    return held


def read(encoder: Encoder, texts: list[str], seed: int, progress: Callable[[int, int], None]) -> Read:
    """Embeddings of all texts and the states of as many as MOST_TOKENS allow."""
    lengths = np.array([len(ids) for ids in tokens.encode(encoder.tokenizer, texts, encoder.max_tokens)])
    order = np.random.default_rng(seed).permutation(len(texts))
    kept = np.zeros(len(texts), bool)
    kept[order[np.cumsum(lengths[order]) <= MOST_TOKENS]] = True
    states = States(np.zeros((int(lengths[kept].sum()), WIDTH), np.float16), np.where(kept, lengths, 0))
    starts, embeddings = states.starts, [None] * len(texts)
    for members, (embedding, hidden), _mask in encoder.batches(texts, [EMBEDDING, STATES], progress=progress):
        for at, row in enumerate(members):
            embeddings[row] = embedding[at]
            states.values[starts[row]: starts[row + 1]] = hidden[at, : states.lengths[row]]
    return Read(np.stack(embeddings), states)


def epochs_of(rows: int) -> int:
    return min(MOST, max(FEWEST, round(ROW_EPOCHS / rows)))


def expected(states: States, *trainings: np.ndarray) -> str:
    """How long trainings on these rows will take on this machine, one after the other."""
    cores = min(own_layers_train.PARTS, os.cpu_count() or 1)
    minutes = sum(states.lengths[rows].sum() * epochs_of(len(rows)) for rows in trainings) * SECONDS_A_TOKEN / cores / 60
    return f"about {minutes:.0f} min" if minutes >= 1.5 else "about a minute"


class Trained:
    """Layers and head, trained on some rows."""

    def __init__(
        self, examples: Examples, gold: np.ndarray, seen: Read, used: np.ndarray, start, folder: Path, seed: int, keep: Path, log,
    ) -> None:
        """used: True where a row trains. start: the linear head on EMBEDDING of the same rows (`policy.Linear`), from which the layers' own
        goes on. keep: a file from which a training that was ended goes on."""
        rows = np.flatnonzero(used & (seen.states.lengths > 0))
        params = resume.encoder_params(newest(folder / "prompt_encoder"))
        weights = own_layers.from_encoder(params, own_layers.layers_before(params))
        weights |= {"head.weight": np.ascontiguousarray(start.weight.T), "head.bias": start.bias}
        epochs = epochs_of(len(rows))
        log(f"training the last {OWN_LAYERS} layers on {len(rows):,} rows, {epochs} epochs: {expected(seen.states, rows)} on this machine "
            "(ended, it goes on from there when it is started again; --layers 0 leaves it out)")
        told = hashlib.sha256()
        for part in (*examples.texts, *examples.labels, str(repository.fingerprint_of(folder)), f"{epochs} {seed} {len(rows)}"):
            told.update(part.encode("utf-8", "surrogatepass") + b"\0")
        self.weights = own_layers_train.train(
            weights, seen.states, gold, rows, epochs, seed, keep=(keep, told.hexdigest()), log=log)
        self.labels = len(examples.names)

    def export(self, path: Path, temperature: float = 1.0) -> None:
        """The int8 graph that servers load."""
        with tempfile.TemporaryDirectory() as work:
            plain = Path(work) / "plain.onnx"
            export_onnx.export_own_layers(
                own_layers.to_encoder(self.weights), self.weights["head.weight"].T, self.weights["head.bias"], temperature, plain)
            quantize.to_int8(plain, path)

    def logits(self, states: States, rows: np.ndarray) -> np.ndarray:
        """[rows, labels], up to a number that all labels of a row share, as the int8 graph gives them."""
        with tempfile.TemporaryDirectory() as work:
            self.export(Path(work) / "model.onnx")
            graph = session(Path(work) / "model.onnx")
        out = np.zeros((len(rows), self.labels), np.float32)
        starts, order = states.starts, np.argsort(states.lengths[rows], kind="stable")
        for at in range(0, len(order), 16):
            some = order[at: at + 16]
            hidden, mask = states.batch(rows[some], starts)
            out[some] = np.log(np.maximum(graph.run(None, {STATES: hidden, MASK: mask.astype(np.int64)})[0], 1e-30))
        return out


def compare(gold: np.ndarray, head: np.ndarray, layers: np.ndarray) -> Compared:
    """Of rows' labels and both logits [rows, labels]."""
    by_head, by_layers = head.argmax(1) == gold, layers.argmax(1) == gold
    return Compared(len(gold), int(by_head.sum()), int(by_layers.sum()), int((by_head & ~by_layers).sum()), int((by_layers & ~by_head).sum()))


def write(trained: Trained, logits: np.ndarray, gold: np.ndarray, name: str, examples: Examples, folder: Path, log) -> dict:
    """Puts the policy into the repository.

    trained: on all rows. logits, gold: of the rows held back, by layers that had not seen them; temperature and figures come of these.
    """
    temperature = fit_temperature(logits, gold)
    report = evaluate.scores(gold, softmax(logits, temperature), examples.names)
    log(evaluate.table(report, f"{name}, on rows held back"))
    repository.write_head(
        folder, name, examples.names, 0, lambda path: trained.export(path, temperature), own_layers=True,
        version=repository.next_version(folder, name))
    return report
