"""Do the scores say what readers say? Rank correlations with ratings by hand, and what other weights of the composite would bring."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from . import complexity_scores
from .data import OWN

FILE = OWN / "ratings.jsonl"
READINGS = ("first", "second")
OVERALL = "overall"
COMPOSITE = complexity_scores.NAMES[0]
RATED = tuple(name for name, _, _ in complexity_scores.DIMENSIONS.values())
"""The dimensions that readers rated; `no_label_reason` is the want of all."""


def read(path: Path = FILE) -> tuple[list[str], dict[str, dict[str, np.ndarray]]]:
    """Prompts, and for each reading the ratings [prompts] by dimension and `overall`; each reading has a scale of its own."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    for number, row in enumerate(rows, 1):
        for reading in READINGS:
            missing = [name for name in (*RATED, OVERALL) if not isinstance(row.get(reading, {}).get(name), int)]
            if missing:
                raise SystemExit(f"{path}:{number}: {reading} has no whole number for {', '.join(missing)}")
    ratings = {reading: {name: np.array([row[reading][name] for row in rows]) for name in (*RATED, OVERALL)} for reading in READINGS}
    return [row["prompt"] for row in rows], ratings


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, ties at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation, -1…1; 0 where one of them is the same everywhere."""
    a, b = (ranks(np.asarray(values, float)) for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else 0.0


def concordance(scores: np.ndarray, ratings: np.ndarray) -> float:
    """Of all pairs of prompts that readers rated apart, the share that the score puts in the same order; ½ is chance.

    Most prompts ask for none of a dimension: so many ties keep even a perfect score's rank correlation far below 1, not this.
    """
    apart = np.sign(ratings[:, None] - ratings[None, :])
    said = np.sign(scores[:, None] - scores[None, :])
    pairs = apart > 0
    return float(((said[pairs] > 0) + 0.5 * (said[pairs] == 0)).mean()) if pairs.any() else 0.5


def both(ratings: dict[str, dict[str, np.ndarray]], name: str) -> np.ndarray:
    """The mean rank of both readings: what two scales have in common."""
    return sum(ranks(ratings[reading][name]) for reading in READINGS) / len(READINGS)


def fitted(dimensions: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Weights [dimensions] ≥ 0, sum 1, whose sum is nearest to the wanted ranks: least squares by projected steps."""
    x = dimensions - dimensions.mean(0)
    y = wanted - wanted.mean()
    weight = np.full(x.shape[1], 1 / x.shape[1])
    step = 1 / np.linalg.norm(x.T @ x, 2)
    scale = float(np.abs(y).max() or 1)
    for _ in range(5000):
        weight = np.maximum(weight - step * (x.T @ (x @ weight - y / scale)), 0)
    return weight / weight.sum() if weight.sum() else weight


def report(scores: np.ndarray, ratings: dict[str, dict[str, np.ndarray]], seed: int = 0) -> dict:
    """Correlations of SCORES [prompts, 8] with the ratings, the readings' with each other, and the composite's with weights that
    were fitted on one half of the prompts, on the other half (both ways, mean of the two).
    """
    column = {name: scores[:, at] for at, name in enumerate(complexity_scores.NAMES)}
    out: dict = {"n": len(scores), "by_score": {}}
    for name in (*RATED, COMPOSITE):
        rated = OVERALL if name == COMPOSITE else name
        out["by_score"][name] = {
            **{reading: spearman(column[name], ratings[reading][rated]) for reading in READINGS},
            "both": spearman(column[name], both(ratings, rated)),
            "concordance": concordance(column[name], both(ratings, rated)),
            "rated": float(np.mean([ratings[reading][rated] > 0 for reading in READINGS])),
            "readings": spearman(*(ratings[reading][rated] for reading in READINGS)),
        }
    # On one scale: number_of_few_shots runs to 5.
    tops = np.array([top for _, top, _ in complexity_scores.DIMENSIONS.values()])
    dimensions = np.stack([column[name] for name in RATED], 1) / tops
    wanted = both(ratings, OVERALL)
    half = np.random.default_rng(seed).permutation(len(scores)) % 2 == 0
    weights = [fitted(dimensions[part], wanted[part]) for part in (half, ~half)]
    out["fitted"] = {
        "weights": dict(zip(RATED, np.mean(weights, 0).round(3).tolist())),
        "other_half": float(np.mean([spearman(dimensions[part] @ w, wanted[part]) for part, w in zip((~half, half), weights)])),
        "as_shipped": float(np.mean([spearman(column[COMPOSITE][part], wanted[part]) for part in (~half, half)])),
    }
    return out


def table(found: dict) -> str:
    """The report as Markdown."""
    lines = ["| score | first reading | second | both | pairs in order | rated above 0 | the readings with each other |", "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for name, row in found["by_score"].items():
        lines.append(f"| `{name}` | " + " | ".join(f"{row[key]:.2f}" for key in (*READINGS, "both", "concordance", "rated", "readings")) + " |")
    fit = found["fitted"]
    weights = ", ".join(f"{name} {value:.2f}" for name, value in fit["weights"].items())
    lines.append("")
    lines.append(f"Of `{COMPOSITE}` with *overall* on halves of the {found['n']} prompts: {fit['as_shipped']:.2f} as shipped; {fit['other_half']:.2f} with weights "
                 f"fitted on the other half ({weights}).")
    return "\n".join(lines)
