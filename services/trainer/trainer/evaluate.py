"""Accuracy, macro-F1, calibration and coverage of probabilities against labels."""

from __future__ import annotations

import numpy as np

from .languages import group


def scores(
    gold: np.ndarray, probabilities: np.ndarray, names: tuple[str, ...], languages: np.ndarray | None = None, kinds: np.ndarray | None = None,
    second: np.ndarray | None = None,
) -> dict:
    """Figures for one head.

    gold: label indices [n]; probabilities: [n, labels]. F1 is averaged over the labels that occur in gold. languages, kinds [n]:
    for the figures by language and by kind of request, where they are given. second [n]: what a second reader said where that differs,
    else -1; then `either` has how many rows that are and how many answers are right by one of both.
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
    parts = {"by_language": languages, "by_kind": kinds}
    if languages is not None:
        parts["by_group"] = np.array([group(str(language)) for language in languages])
    return {
        **{name: by(values, gold, probabilities) for name, values in parts.items() if values is not None},
        "n": len(gold),
        "accuracy": float((predicted == gold).mean()) if len(gold) else 0.0,
        "macro_f1": float(np.mean(present_f1)) if present_f1 else 0.0,
        **calibration(gold, probabilities),
        **({} if second is None or (second < 0).all() else {
            "either": {"apart": int((second >= 0).sum()), "accuracy": float(((predicted == gold) | (predicted == second)).mean())}}),
        "per_label": per_label,
        "reliability": reliability(gold, probabilities),
        "coverage": coverage(gold, probabilities),
        "pairs": worst_pairs(confusion(gold, predicted, len(names)), names),
    }


def by(values: np.ndarray, gold: np.ndarray, probabilities: np.ndarray) -> dict[str, dict]:
    """Rows, accuracy and calibration for each of the values; most rows first."""
    names, counts = np.unique(values, return_counts=True)
    out = {}
    for name in names[np.argsort(-counts, kind="stable")]:
        of = values == name
        right = probabilities[of].argmax(1) == gold[of]
        out[str(name)] = {"n": int(of.sum()), "accuracy": float(right.mean()), **calibration(gold[of], probabilities[of])}
    return out


BINS = 15


def calibration(gold: np.ndarray, probabilities: np.ndarray) -> dict:
    """`ece`; `ece_chance`: mean and 95 % of what it would be on these very rows were each probability exact (`ece_by_chance`); `gap`: mean
    top-1 probability less accuracy, which has no such floor.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == gold
    gap = float(confidence.mean() - right.mean()) if len(gold) else 0.0
    return {"ece": ece(gold, probabilities), "ece_chance": ece_by_chance(confidence), "gap": gap}


def ece(gold: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error: mean gap between top-1 probability and accuracy over equal-width bins."""
    if len(gold) == 0:
        return 0.0
    return float(_ece(probabilities.max(1), (probabilities.argmax(1) == gold)[None])[0])


def ece_by_chance(confidence: np.ndarray, draws: int = 400, seed: int = 0) -> tuple[float, float]:
    """Mean and 95 % of the ECE of perfectly calibrated answers: right with just the probability [n] that they tell.

    Of few rows it is far from 0: an ECE is a sum of absolute values, to which chance only adds.
    """
    if len(confidence) == 0:
        return 0.0, 0.0
    right = np.random.default_rng(seed).random((draws, len(confidence))) < confidence
    found = _ece(confidence, right)
    return float(found.mean()), float(np.quantile(found, 0.95))


def _ece(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """ECE [draws] of answers of these probabilities [n], right or not [draws, n]."""
    slot = np.minimum((confidence * BINS).astype(int), BINS - 1)
    inside = (slot[:, None] == np.arange(BINS)).astype(float)
    return np.abs((confidence - right) @ inside).sum(1) / len(confidence)


def reliability(gold: np.ndarray, probabilities: np.ndarray) -> list[dict]:
    """By tenths of the top-1 probability that hold rows: `from`, rows `n`, the mean of what is `told`, the share that is `right`."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == gold
    tenth = np.minimum((confidence * 10).astype(int), 9)
    parts = [(at, tenth == at) for at in range(10)]
    return [{"from": at / 10, "n": int(of.sum()), "told": float(confidence[of].mean()), "right": float(right[of].mean())} for at, of in parts if of.any()]


def coverage(gold: np.ndarray, probabilities: np.ndarray) -> list[dict]:
    """What a threshold keeps, and how accurate the kept part is."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == gold
    rows = []
    for threshold in (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        kept = confidence >= threshold
        rows.append({"threshold": threshold, "coverage": float(kept.mean()), "accuracy": float(right[kept].mean()) if kept.any() else None})
    return rows


def table(report: dict, title: str) -> str:
    """The figures as text: one line a label, the most confused pairs, and what thresholds keep."""
    width = max([len(name) for name in report["per_label"]] + [5])
    lines = [f"{title}: {report['n']:,} rows, accuracy {report['accuracy']:.3f}, macro-F1 {report['macro_f1']:.3f}, ECE {report['ece']:.3f}",
             f"{'label':{width}}  precision  recall     F1      n"]
    for name, row in report["per_label"].items():
        lines.append(f"{name:{width}}  {row['precision']:9.3f}  {row['recall']:6.3f}  {row['f1']:5.3f}  {row['n']:5d}")
    if report.get("pairs"):
        lines.append("most confused: " + "; ".join(f"{gold} → {called} {count}" for gold, called, count in report["pairs"]))
    for key in ("by_language", "by_kind"):
        if len(report.get(key, ())) > 1:
            lines.append(f"{key[3:]:9}  " + ", ".join(f"{name} {row['accuracy']:.3f} ({row['n']})" for name, row in report[key].items()))
    for key in ("threshold", "coverage", "accuracy"):
        lines.append(f"{key:9}  " + "  ".join(f"{row[key]:5.3f}" if row[key] is not None else "    -" for row in report["coverage"]))
    return "\n".join(lines)


def confusion(gold: np.ndarray, predicted: np.ndarray, size: int) -> np.ndarray:
    """[gold label, predicted label] counts."""
    matrix = np.zeros((size, size), int)
    np.add.at(matrix, (gold, predicted), 1)
    return matrix


def worst_pairs(matrix: np.ndarray, names: tuple[str, ...], count: int = 6) -> list[tuple[str, str, int]]:
    """The most frequent mistakes as (gold, predicted, count)."""
    off = matrix.copy()
    np.fill_diagonal(off, 0)
    cells = np.argsort(off, axis=None)[::-1][:count]
    return [(names[c // len(names)], names[c % len(names)], int(off.flat[c])) for c in cells if off.flat[c]]
