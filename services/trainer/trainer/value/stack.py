"""How much of each part a blend takes: what together comes nearest to scores of prompts that the parts had not seen."""

from __future__ import annotations

import numpy as np

from .parts import blended, counted, means


def shares(said: list[np.ndarray], score: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """[parts], 0 or more, sum 1; equal where no part tells targets apart.

    said: what each part predicts for prompts held back, [prompts, targets] each. score: [prompts, targets], NaN unknown; weight as `Outcomes`
    has it. By least squares on differences between targets; how far they are to be believed is calibration's to say.
    """
    from scipy.optimize import nnls

    known, root = ~np.isnan(score), np.sqrt(counted(score, weight))
    off = np.where(known, score - means(score, weight), 0)
    columns = []
    for each in said:
        difference = each - each.mean(1, keepdims=True)
        columns.append(((difference - difference.mean(0)) * root).ravel())
    found = nnls(np.stack(columns, 1), (off * root).ravel())[0]
    return found / found.sum() if found.sum() > 1e-9 else np.full(len(said), 1 / len(said))


def held(said: list[np.ndarray], score: np.ndarray, fold: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """What the blend says of each fold with shares from the others, [prompts, targets]: so that it is no better than it will be."""
    made = np.zeros_like(score)
    for k in np.unique(fold):
        out, rest = fold == k, fold != k
        made[out] = blended([each[out] for each in said], shares([each[rest] for each in said], score[rest], None if weight is None else weight[rest]))
    return made
