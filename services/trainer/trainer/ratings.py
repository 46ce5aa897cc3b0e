"""Do the scores say what readers say? Rank correlations with ratings by hand, and what other weights of the composite would bring."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from . import complexity_scores
from .data import OWN

FILE = OWN / "ratings.jsonl"
EARLIER = ("first", "second")
"""Two passes by one reader."""
BLIND = ("blind_1", "blind_2")
"""Two readers apart, blind to scores, labels, each other and the earlier passes. The figures are by these."""
READINGS = (*EARLIER, *BLIND)
OVERALL = "overall"
COMPOSITE = complexity_scores.NAMES[0]
RATED = complexity_scores.RATED


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


def together(ratings: dict[str, dict[str, np.ndarray]], name: str, readings: tuple[str, ...] = BLIND) -> np.ndarray:
    """The mean rank over readings: what different scales have in common."""
    return sum(ranks(ratings[reading][name]) for reading in readings) / len(readings)


def fitted(dimensions: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Weights [dimensions] ≥ 0, sum 1, whose sum is nearest to the wanted ranks by least squares."""
    from scipy.optimize import nnls

    weight, _ = nnls(dimensions - dimensions.mean(0), wanted - wanted.mean())
    return weight / weight.sum() if weight.sum() else weight


def report(scores: np.ndarray, ratings: dict[str, dict[str, np.ndarray]], seed: int = 0) -> dict:
    """Correlations of SCORES [prompts, 8] with the ratings and of the readings with each other; and in "fitted" what other weights of the
    composite would bring (`weights_apart`).
    """
    column = {name: scores[:, at] for at, name in enumerate(complexity_scores.NAMES)}
    out: dict = {"n": len(scores), "by_score": {}}
    for name in (*RATED, COMPOSITE):
        rated = OVERALL if name == COMPOSITE else name
        wanted, earlier = together(ratings, rated), together(ratings, rated, EARLIER)
        out["by_score"][name] = {
            **{reading: spearman(column[name], ratings[reading][rated]) for reading in BLIND},
            "together": spearman(column[name], wanted),
            "concordance": concordance(column[name], wanted),
            "rated": float(np.mean([ratings[reading][rated] > 0 for reading in BLIND])),
            "between": spearman(*(ratings[reading][rated] for reading in BLIND)),
            "earlier": spearman(column[name], earlier),
            "between_earlier": spearman(earlier, wanted),
        }
    # On one scale: number_of_few_shots runs to 5.
    tops = np.array([top for _, top, _ in complexity_scores.DIMENSIONS.values()])
    dimensions = np.stack([column[name] for name in RATED], 1) / tops
    out["fitted"] = weights_apart(dimensions, column[COMPOSITE], ratings, seed)
    return out


def weights_apart(dimensions: np.ndarray, shipped: np.ndarray, ratings: dict[str, dict[str, np.ndarray]], seed: int, rounds: int = 20) -> dict:
    """Weights fitted on one half of the prompts and judged on the other, both ways, over draws of the halves, against the shipped composite
    [prompts]: fitted to the blind readers ("other_half"), to the earlier reader ("by_earlier"); what the shipped weights make of a blind
    reader's own ratings ("own_dimensions") and of the other one's ("others_dimensions") is the most that better dimensions could bring.
    """
    wanted, earlier = together(ratings, OVERALL), together(ratings, OVERALL, EARLIER)
    rng = np.random.default_rng(seed)
    found: dict[str, list] = {"other_half": [], "by_earlier": [], "as_shipped": []}
    weights = []
    for _ in range(rounds):
        half = rng.permutation(len(dimensions)) % 2 == 0
        for fit, test in ((half, ~half), (~half, half)):
            weights.append(fitted(dimensions[fit], wanted[fit]))
            found["other_half"].append(spearman(dimensions[test] @ weights[-1], wanted[test]))
            found["by_earlier"].append(spearman(dimensions[test] @ fitted(dimensions[fit], earlier[fit]), wanted[test]))
            found["as_shipped"].append(spearman(shipped[test], wanted[test]))
    nvidia = np.array([weight for _, _, weight in complexity_scores.DIMENSIONS.values()])
    rated = {reading: np.stack([ratings[reading][name] for name in RATED], 1) @ nvidia for reading in BLIND}
    pairs = ((BLIND[0], BLIND[0]), (BLIND[1], BLIND[1])), ((BLIND[0], BLIND[1]), (BLIND[1], BLIND[0]))
    own, others = (float(np.mean([spearman(rated[a], ratings[b][OVERALL]) for a, b in part])) for part in pairs)
    return {
        "weights": dict(zip(RATED, np.mean(weights, 0).round(3).tolist())), **{name: float(np.mean(values)) for name, values in found.items()},
        "spread": float(np.std(np.array(found["other_half"]) - np.array(found["as_shipped"]))), "own_dimensions": own, "others_dimensions": others,
    }


def table(found: dict) -> str:
    """The report as Markdown."""
    columns = {
        BLIND[0]: "reader 1", BLIND[1]: "reader 2", "together": "both", "between": "the readers with each other", "concordance": "pairs in order",
        "rated": "rated above 0", "earlier": "the reader before", "between_earlier": "that one with both",
    }
    lines = ["| score | " + " | ".join(columns.values()) + " |", "| --- |" + " ---: |" * len(columns)]
    for name, row in found["by_score"].items():
        lines.append(f"| `{name}` | " + " | ".join(f"{row[key]:.2f}" for key in columns) + " |")
    fit = found["fitted"]
    weights = ", ".join(f"{name} {value:.2f}" for name, value in fit["weights"].items())
    lines.append("")
    lines.append(
        f"Of `{COMPOSITE}` with both readers' *overall*, on halves of the {found['n']} prompts: {fit['as_shipped']:.2f} as shipped; {fit['other_half']:.2f} with weights "
        f"fitted to them on the other half ({weights}; the difference spreads by {fit['spread']:.2f} from half to half), {fit['by_earlier']:.2f} with weights fitted there to the reader "
        f"before. The shipped weights on a reader's own ratings of the dimensions give {fit['own_dimensions']:.2f}, on the other reader's {fit['others_dimensions']:.2f}.")
    return "\n".join(lines)
