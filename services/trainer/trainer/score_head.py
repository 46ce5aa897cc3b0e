"""How much of each dimension a prompt demands: a ridge regression of a reader's ratings on the embedding.

A label says only what a prompt demands *most*. Some four hundred prompts whose every demand is rated tell the rest: against readers who rated
others, rank correlations rise from .14….66 (odds of the labels) to .6….75.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .complexity_scores import COUNTED, RATED, READ, Readings
from .data import OWN

FILE = OWN / "own_ratings.jsonl"
"""Rated prompts of training; those of `ratings` are held out, and judge."""
MOST = 9
"""The highest rating, which is 1 in SCORES."""
PENALTIES = (30.0, 100.0, 300.0, 1000.0, 3000.0)
"""That are tried, on standardised features."""
FOLDS = 5


def read(path: Path = FILE) -> tuple[list[str], dict[str, np.ndarray]]:
    """Prompts, and the ratings [prompts] by dimension: 0…MOST, but for COUNTED, which counts examples."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    for number, row in enumerate(rows, 1):
        wrong = [name for name in RATED if not (isinstance(row.get("rating", {}).get(name), int) and 0 <= row["rating"][name] <= MOST)]
        if wrong:
            raise SystemExit(f"{path}:{number}: want a whole number, 0 to {MOST}, for {', '.join(wrong)}")
    return [row["prompt"] for row in rows], {name: np.array([row["rating"][name] for row in rows], float) for name in RATED}


def ridge(embeddings: np.ndarray, wanted: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """weight [dimensions, width], bias [dimensions]; the features' scale is folded into them."""
    mean, scale = embeddings.mean(0), embeddings.std(0) + 1e-6
    x = (embeddings - mean) / scale
    level = wanted.mean(0)
    # Fewer rows than features: solved in the rows.
    weight = x.T @ np.linalg.solve(x @ x.T + penalty * np.eye(len(x)), wanted - level)
    weight = (weight / scale[:, None]).T
    return weight, level - weight @ mean


def cross_validate(embeddings: np.ndarray, wanted: np.ndarray, penalty: float, seed: int = 0) -> np.ndarray:
    """What rows [prompts, dimensions] are taken for by regressions that have not seen them."""
    fold = np.random.default_rng(seed).permutation(len(wanted)) % FOLDS
    out = np.zeros_like(wanted)
    for part in range(FOLDS):
        weight, bias = ridge(embeddings[fold != part], wanted[fold != part], penalty)
        out[fold == part] = embeddings[fold == part] @ weight.T + bias
    return np.clip(out, 0, 1)


def fit(embeddings: np.ndarray, ratings: dict[str, np.ndarray]) -> tuple[Readings, np.ndarray]:
    """The regression with the least squared error in cross-validation, and what that made of each row [prompts, READ]."""
    embeddings = embeddings.astype(np.float64)
    wanted = np.stack([ratings[name] for name in READ], 1) / MOST
    told = {penalty: cross_validate(embeddings, wanted, penalty) for penalty in PENALTIES}
    penalty = min(PENALTIES, key=lambda p: ((told[p] - wanted) ** 2).mean())
    weight, bias = ridge(embeddings, wanted, penalty)
    counts = ratings[COUNTED]
    examples = float(counts[counts > 0].mean()) if (counts > 0).any() else 1.0
    return Readings(weight.astype(np.float32), bias.astype(np.float32), examples), told[penalty]
