"""How far a policy made of English examples carries: a hundred everyday intents (data/intents), asked in six languages, and prompts of none of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import evaluate
from .data import OWN
from .ratings import concordance

TRAIN, TEST = OWN / "intents" / "train.jsonl", OWN / "intents" / "test.jsonl"
TAUGHT = "en"
OTHERS = "the other languages"
SURE = 0.5
"""A threshold that the table tells the effect of."""


def read(path: Path = TEST) -> list[dict]:
    """Rows {"text", "label", "domain", "lang"}, those to ask in other languages with "english", the same said in English; label and domain are
    null where the text is of none of the intents."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def figures(rows: list[dict], names: tuple[str, ...], answer: Callable[[list[str]], np.ndarray]) -> dict:
    """Accuracy and calibration by language, how much of it the same rows reach when said in English, and how the probability tells rows that have
    no label from those that have one. answer: texts → probabilities [texts, names]."""
    probabilities, again = answer([row["text"] for row in rows]), answer([row.get("english", row["text"]) for row in rows])
    spoken, inside = np.array([row["lang"] for row in rows]), np.array([row["label"] is not None for row in rows])
    gold = np.array([names.index(row["label"]) if row["label"] is not None else -1 for row in rows])
    domains, top = np.array([row["domain"] or "" for row in rows]), probabilities.max(1)
    parts = {lang: spoken == lang for lang in dict.fromkeys(spoken)} | {OTHERS: spoken != TAUGHT}
    by_language = {}
    for name, of in parts.items():
        told, none = of & inside, of & ~inside
        right = probabilities[told].argmax(1) == gold[told]
        by_language[name] = {
            "n": int(told.sum()), "accuracy": float(right.mean()), "in_english": float((again[told].argmax(1) == gold[told]).mean()), **evaluate.calibration(gold[told], probabilities[told]),
            "confidence": float(top[told].mean()), "kept": float((top[told] >= SURE).mean()),
            "kept_right": float(right[top[told] >= SURE].mean()) if (top[told] >= SURE).any() else None,
            "none": {
                "n": int(none.sum()), "confidence": float(top[none].mean()), "kept": float((top[none] >= SURE).mean()),
                # Of all pairs of a text with an intent and one with none, those in which the first is the surer one.
                "auroc": concordance(top[of], inside[of].astype(int)),
            },
        }
    away = inside & (spoken != TAUGHT)
    at = evaluate.by(domains[away], gold[away], probabilities[away])
    pairs = evaluate.worst_pairs(evaluate.confusion(gold[away], probabilities[away].argmax(1), len(names)), names)
    return {"by_language": by_language, "by_domain": {name: row["accuracy"] for name, row in at.items()}, "pairs": pairs}


def table(found: dict) -> str:
    """Markdown of {"auto": what `policy` told of the rows held back, "base": figures of the encoder before its training, "made": {layers: {"seeds": [figures]}}}."""
    first = {layers: made["seeds"][0] for layers, made in found["made"].items()}
    lines = ["| made with | asked in | rows | right | the same in English | ECE | by chance | told − right | of no intent | AUROC | their probability | ≥ .5: kept, right of these | ≥ .5: of no intent |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for layers, made in first.items():
        for name, row in made["by_language"].items():
            mean, high = row["ece_chance"]
            error, none = f"{row['ece']:.3f}", row["none"]
            lines.append(
                f"| `--layers {layers}` | {name} | {row['n']} | {row['accuracy']:.3f} | {row['in_english']:.3f} | {f'**{error}**' if row['ece'] > high else error} | {mean:.3f} to {high:.3f} | {row['gap']:+.3f} "
                f"| {none['n']} | {none['auroc']:.2f} | {none['confidence']:.2f} | {share(row)} | {none['kept']:.2f} |")
    lines.append("")
    for layers, made in found["made"].items():
        if len(made["seeds"]) > 1:
            told = ["{} {}".format(name, ", ".join(f"{seed['by_language'][name]['accuracy']:.3f}" for seed in made["seeds"])) for name in (TAUGHT, OTHERS)]
            lines.append(f"`--layers {layers}` with seeds 0 to {len(made['seeds']) - 1}: right in {'; '.join(told)}.")
    if found.get("auto"):
        taken = "the head alone" if "may be chance" in found["auto"] else "layers of its own"
        lines.append(f"`--layers auto` takes {taken}: {found['auto']}.")
    if "base" in found:
        told = {name: found["base"]["by_language"][name] for name in (TAUGHT, OTHERS)}
        lines.append(
            f"The encoder before its training, with a head alone (`--base`): right in {TAUGHT} {told[TAUGHT]['accuracy']:.3f}, in {OTHERS} {told[OTHERS]['accuracy']:.3f}, "
            f"in these when said in English {told[OTHERS]['in_english']:.3f}.")
    lines += ["", "| in the other languages | " + " | ".join(first[next(iter(first))]["by_domain"]) + " |", "| --- |" + " ---: |" * len(first[next(iter(first))]["by_domain"])]
    names = list(first[next(iter(first))]["by_domain"])
    lines += [f"| `--layers {layers}` | " + " | ".join(f"{made['by_domain'][name]:.2f}" for name in names) + " |" for layers, made in first.items()]
    said = "; ".join(f"{gold} taken for {called} {count} times" for gold, called, count in first[next(iter(first))]["pairs"])
    lines += ["", f"Most confused there, by the head alone: {said}."]
    return "\n".join(lines)


def share(row: dict) -> str:
    """How many of the rows a threshold of .5 keeps, and how right these are."""
    return f"{row['kept']:.2f}, {row['kept_right']:.3f}" if row["kept_right"] is not None else f"{row['kept']:.2f}"
