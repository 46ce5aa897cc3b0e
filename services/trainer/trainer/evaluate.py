"""Accuracy, macro-F1, calibration and coverage of probabilities against labels."""

from __future__ import annotations

import numpy as np


def scores(gold: np.ndarray, probabilities: np.ndarray, names: tuple[str, ...]) -> dict:
    """Figures for one head.

    gold: label indices [n]; probabilities: [n, labels]. F1 is averaged over the labels that occur in gold.
    """
    predicted = probabilities.argmax(1)
    per_label = {}
    for index, name in enumerate(names):
        hit = int(((predicted == index) & (gold == index)).sum())
        called, present = int((predicted == index).sum()), int((gold == index).sum())
        precision = hit / called if called else 0.0
        recall = hit / present if present else 0.0
        f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
        per_label[name] = {"precision": precision, "recall": recall, "f1": f1, "n": present}
    present_f1 = [row["f1"] for row in per_label.values() if row["n"]]
    return {
        "n": len(gold),
        "accuracy": float((predicted == gold).mean()) if len(gold) else 0.0,
        "macro_f1": float(np.mean(present_f1)) if present_f1 else 0.0,
        "ece": ece(gold, probabilities),
        "per_label": per_label,
        "coverage": coverage(gold, probabilities),
    }


def ece(gold: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: mean gap between top-1 probability and accuracy over equal-width bins."""
    if len(gold) == 0:
        return 0.0
    confidence, right = probabilities.max(1), probabilities.argmax(1) == gold
    slot = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[slot == b].mean() - right[slot == b].mean()) * (slot == b).mean() for b in range(bins) if (slot == b).any()]
    return float(sum(gaps))


def coverage(gold: np.ndarray, probabilities: np.ndarray) -> list[dict]:
    """What a threshold keeps, and how accurate the kept part is."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == gold
    rows = []
    for threshold in (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        kept = confidence >= threshold
        rows.append({"threshold": threshold, "coverage": float(kept.mean()), "accuracy": float(right[kept].mean()) if kept.any() else None})
    return rows


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    scaled = logits / temperature
    exp = np.exp(scaled - scaled.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True)


def fit_temperature(logits: np.ndarray, gold: np.ndarray) -> float:
    """The temperature with the least negative log-likelihood, by a fine scan (one parameter needs no optimiser)."""
    grid = np.exp(np.linspace(np.log(0.25), np.log(4.0), 161))
    losses = [-np.log(np.maximum(softmax(logits, t)[np.arange(len(gold)), gold], 1e-9)).mean() for t in grid]
    return float(grid[int(np.argmin(losses))])
