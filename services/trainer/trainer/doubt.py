"""What tells best that an answer is wrong, on prompts unlike those of training: the probability, or a distance?

Each signal is judged by the share of (wrong, right) pairs of answers in which it doubts the wrong one more: ½ is chance, 1 perfect.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import agents, labels, outliers, resume, tokens
from .data import OWN, Row, read_jsonl
from .ratings import concordance
from .served import Encoder, Head

SHIFTED = OWN / "shifted"
"""Prompts in languages that training hardly shows."""
NEIGHBOURS, COMPONENTS = 10, 64
NOISE = 400
FRESH_SCRIPTS = {"georgian": (0x10D0, 0x10F1), "burmese": (0x1000, 0x1021), "runes": (0x16A0, 0x16EB), "javanese": (0xA984, 0xA9B3)}
"""Scripts that `outliers` does not take its words from."""


def noise(seed: int = 99) -> list[str]:
    """Texts that say nothing, none of which training has seen: other draws, half of them from other scripts."""
    rng = np.random.default_rng(seed)
    words = "river because seven to the green invoice run whether slowly Tuesday of".split()
    made = [row.prompt for row in outliers.rows(NOISE, seed, words) if row.weight == 1 or not row.unsure]
    for low, high in list(FRESH_SCRIPTS.values()) * (NOISE // 2 // len(FRESH_SCRIPTS)):
        parts = ["".join(chr(int(c)) for c in rng.integers(low, high, int(rng.integers(2, 9)))) for _ in range(int(rng.integers(3, 20)))]
        made.append(" ".join(parts))
    return made


def rarity(tokenizer, texts: list[str]) -> np.ndarray:
    """Share of pieces of a single letter: a cut vocabulary spells out what it does not know."""
    out = []
    for encoded in tokenizer.encode_batch([tokens.cut_chars(text) for text in texts]):
        pieces = [piece.lstrip("▁") for piece in encoded.tokens[1:-1]]
        out.append(np.mean([len(piece) <= 1 for piece in pieces]) if pieces else 1.0)
    return np.array(out)


class Distances:
    """How far embeddings lie from those of training prompts."""

    def __init__(self, known: np.ndarray) -> None:
        self.known = known / np.linalg.norm(known, axis=1, keepdims=True)
        self.mean = known.mean(0)
        _, size, self.axes = np.linalg.svd(known - self.mean, full_matrices=False)
        self.scale = size[:COMPONENTS] / np.sqrt(len(known))

    def neighbours(self, embeddings: np.ndarray) -> np.ndarray:
        """Mean cosine distance of the nearest."""
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        return 1 - np.sort(unit @ self.known.T, axis=1)[:, -NEIGHBOURS:].mean(1)

    def mahalanobis(self, embeddings: np.ndarray) -> np.ndarray:
        return np.linalg.norm((embeddings - self.mean) @ self.axes[:COMPONENTS].T / self.scale, axis=1)

    def residual(self, embeddings: np.ndarray) -> np.ndarray:
        """What lies outside of the training prompts' main directions."""
        centred = embeddings - self.mean
        inside = centred @ self.axes[:COMPONENTS].T
        return np.sqrt(np.maximum((centred**2).sum(1) - (inside**2).sum(1), 0))


def signals(probabilities: np.ndarray, logits: np.ndarray, embeddings: np.ndarray, rare: np.ndarray, distances: Distances) -> dict[str, np.ndarray]:
    """Doubt [texts] by each signal; higher is more doubtful."""
    ordered = np.sort(probabilities, axis=1)
    top = logits.max(1)
    return {
        "1 − probability": 1 - ordered[:, -1],
        "entropy": -(probabilities * np.log(np.maximum(probabilities, 1e-9))).sum(1),
        "1 − margin": 1 - (ordered[:, -1] - ordered[:, -2]),
        "energy": -(top + np.log(np.exp(logits - top[:, None]).sum(1))),
        f"distance of {NEIGHBOURS} neighbours": distances.neighbours(embeddings),
        "Mahalanobis": distances.mahalanobis(embeddings),
        "residual": distances.residual(embeddings),
        "spelled-out pieces": rare,
    }


def study(repository: Path, known: list[Row], sets: dict[str, list[Row]], progress=None) -> dict:
    """{"signals": {set: {head: {"n", "wrong", "auc": {signal: …}}}}, "noise": {head: {"sure": share above .9 whose label is not the one for
    gibberish, "median": of the top probability}}}."""
    encoder = Encoder(repository)
    distances = Distances(encoder.embeddings([row.prompt for row in known], progress=progress))
    found: dict = {"signals": {}, "noise": {}}
    heads = {column: Head(repository, labels.POLICIES[column]) for column in labels.HEADS}
    raw = {column: resume.head_params(repository / f"{labels.POLICIES[column]}_head", column, len(head.labels)) for column, head in heads.items()}
    for name, rows in sets.items():
        embeddings = encoder.embeddings([row.prompt for row in rows], progress=progress)
        rare = rarity(encoder.tokenizer, [row.prompt for row in rows])
        for column, head in heads.items():
            at = np.array([i for i, row in enumerate(rows) if getattr(row, column)], int)
            gold = np.array([head.labels.index(getattr(rows[i], column)) for i in at], int)
            probabilities = head.run(embeddings[at])
            probabilities = agents.as_told(head, probabilities, [rows[i] for i in at])
            logits = embeddings[at] @ raw[column][f"head.{column}.weight"].T + raw[column][f"head.{column}.bias"]
            wrong = probabilities.argmax(1) != gold
            scored = signals(probabilities, logits, embeddings[at], rare[at], distances)
            found["signals"].setdefault(name, {})[column] = {
                "n": len(at), "wrong": int(wrong.sum()), "auc": {signal: concordance(value, wrong.astype(int)) for signal, value in scored.items()},
                "confidence": float(probabilities.max(1).mean()),
            }
    embeddings = encoder.embeddings(noise(), progress=progress)
    for column, unreadable in (("task", "Unknown"), ("complexity", "No-Label-Reason")):
        probabilities = heads[column].run(embeddings)
        top = probabilities.max(1)
        other = probabilities.argmax(1) != heads[column].labels.index(unreadable)
        found["noise"][column] = {"n": len(top), "sure": float((top > 0.9).mean()), "sure_of_another": float((other & (top > 0.9)).mean()), "median": float(np.median(top))}
    return found


def shifted_rows() -> list[Row]:
    return [row for path in sorted(SHIFTED.glob("*.jsonl")) for row in read_jsonl(path)]


def table(found: dict) -> str:
    """The study as Markdown."""
    columns = [(name, column) for name, heads in found["signals"].items() for column in heads]
    names = list(next(iter(next(iter(found["signals"].values())).values()))["auc"])
    lines = ["| doubt by | " + " | ".join(f"{name}: {column}" for name, column in columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for signal in names:
        lines.append(f"| {signal} | " + " | ".join(f"{found['signals'][name][column]['auc'][signal]:.2f}" for name, column in columns) + " |")
    for title, text in (
        ("rows, of them wrong", lambda row: f"{row['n']}, {row['wrong']}"), ("accuracy", lambda row: f"{1 - row['wrong'] / row['n']:.3f}"),
        ("mean probability", lambda row: f"{row['confidence']:.3f}"),
    ):
        lines.append(f"| *{title}* | " + " | ".join(text(found["signals"][name][column]) for name, column in columns) + " |")
    said = "; ".join(
        f"{column}: median of the top probability {row['median']:.2f}, above .9 in {row['sure']:.1%}, and for another label than the one of gibberish in {row['sure_of_another']:.1%}"
        for column, row in found["noise"].items())
    lines += ["", f"On {next(iter(found['noise'].values()))['n']} texts that say nothing (encoded data, bytes, words at random, made-up words of scripts that training lacks): {said}."]
    return "\n".join(lines)
