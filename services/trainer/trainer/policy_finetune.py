"""`policy --finetune`: trains an encoder of the policy's own beside its head. Slower, and worth it where the shared
encoder's view of the texts is too coarse. Needs JAX (requirements.txt)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from . import evaluate, policy, repository
from .calibrate import fit_temperature, softmax
from .policy_data import Examples
from .rows import BadData
from .served import Encoder

HELD_BACK = 0.15
COLUMN = "label"


def split(gold: np.ndarray, seed: int) -> np.ndarray:
    """True where a row is held back for figures and temperature: a share of every label, never its last example."""
    rng = np.random.default_rng(seed)
    held = np.zeros(len(gold), bool)
    for label in np.unique(gold):
        rows = rng.permutation(np.flatnonzero(gold == label))
        held[rows[: min(len(rows) - 1, max(1, round(len(rows) * HELD_BACK)))]] = True
    return held


def run(name: str, examples: Examples, folder: Path, *, seed: int, epochs: int, log) -> dict:
    """Fine-tunes, then fits the head on the int8 encoder's own embeddings, and writes encoder, head and ensemble."""
    try:
        from .train import Budget, LabelledText, train
    except ImportError as error:
        raise BadData(f"--finetune needs the whole environment (pip install -r services/trainer/requirements.txt): {error}") from None
    gold = np.array([examples.names.index(label) for label in examples.labels])
    held = split(gold, seed)
    rows = [LabelledText(text, label) for text, label, back in zip(examples.texts, examples.labels, held) if not back]
    encoder = f"{name}_encoder"
    with tempfile.TemporaryDirectory() as work:
        params = train(
            rows, tokenizer=folder / "prompt_tokenizer" / "1" / "tokenizer.json", out=Path(work) / "weights.npz", budget=Budget(epochs),
            seed=seed, rate=1e-4, heads={COLUMN: examples.names}, log=log)
        # A name that no served model has, until head and figures are ready too.
        graph = repository.stage_encoder(Path(work), params)
        log("reading the texts with the new encoder")
        vectors = Encoder(folder, graph=graph).embeddings(examples.texts, progress=lambda done, of: log(f"encoder: {done:,} of {of:,} texts"))
        strength = policy.choose_strength(vectors[~held], gold[~held], len(examples.names), seed, log)
        head = policy.fit(vectors[~held], gold[~held], len(examples.names), strength)
        logits = head.logits(vectors[held])
        temperature = fit_temperature(logits, gold[held])
        report = evaluate.scores(gold[held], softmax(logits, temperature), examples.names)
        log(evaluate.table(report, f"{name}, fine-tuned, on rows held back"))
        repository.install_encoder(folder, graph, encoder)
        repository.write_policy(folder, name, examples.names, head.weight, head.bias, temperature, encoder=encoder, version=repository.next_version(folder, name))
    return report
