"""MODEL_CARD.md and confusion.png from the last evaluation. The prose stands in card_template.md, the figures come from
evaluation.json, so that neither can go stale without the other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from . import data, doubt, intents, labels, ratings
from .steps import TOGETHER

BODIES = "bodies"
"""Held-out request bodies in evaluation.json: the stem of the file that `evaluate --bodies` was given."""
SERVICE = Path(__file__).resolve().parent.parent
TITLES = {
    TOGETHER: "all held-out sets together",
    "heldout": "first held-out set (hand-written, never trained on; watched between runs)",
    "heldout2": "second held-out set (other writers, who saw no training prompt)",
    "heldout3": "third held-out set (one writer, after the rules; a quarter not English)",
    "validation": "own prompts held back (same writers as the training prompts; calibrates)",
    BODIES: "held-out request bodies, as prompts",
    "eval, mended": "eval.jsonl, its noisy task labels mended by the rules that mend training's",
    "eval": "eval.jsonl (same sources and templates as training: flatters)",
}


def write(work: Path) -> None:
    """Writes card and picture into services/trainer."""
    path = work / "evaluation.json"
    if not path.is_file():
        sys.exit(f"{path} is missing: run `python -m trainer evaluate` first")
    report = json.loads(path.read_text(encoding="utf-8"))
    template = (Path(__file__).parent / "card_template.md").read_text(encoding="utf-8")
    card = template.replace("{{summary}}", summary(report)).replace("{{tables}}", tables(report)).replace("{{thresholds}}", thresholds(report))
    card = card.replace("{{agreement}}", agreement()).replace("{{groups}}", by_group(report)).replace("{{languages}}", by(report, TOGETHER, "by_language"))
    card = card.replace("{{kinds}}", by(report, BODIES, "by_kind")).replace("{{readers}}", readers(report)).replace("{{reliability}}", reliability(report)).replace("{{shifted}}", thresholds(report, BODIES))
    for name, module, table in (("ratings", "scores", ratings.table), ("doubt", "doubt", doubt.table), ("intents", "intents", intents.table)):
        card = card.replace("{{" + name + "}}", further(work / f"{module}.json", table))
    (SERVICE / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    picture(report, SERVICE / "confusion.png")
    print(f"wrote {SERVICE / 'MODEL_CARD.md'} and confusion.png")


def further(path: Path, table) -> str:
    """The table of a command that keeps its figures in a file of its own."""
    return table(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else "not measured"


def agreement() -> str:
    """How often the two readers of our own prompts say the same, by head."""
    rows = [row for path in sorted((data.OWN / "own").glob("*.jsonl")) for row in data.read_jsonl(path)]
    parts = []
    for column in labels.HEADS:
        labelled = [row for row in rows if getattr(row, column)]
        same = sum(getattr(row, f"second_{column}") is None for row in labelled)
        parts.append(f"{same / len(labelled):.1%} of {len(labelled):,} {column} labels")
    return " and ".join(parts)


def reliability(report: dict) -> str:
    """What the bodies' answers tell and how often they are right, by tenths of the probability."""
    both = {column: {row["from"]: row for row in report.get(BODIES, {}).get(column, {}).get("reliability", ())} for column in labels.HEADS}
    lines = ["| told | task: rows | told | right | complexity: rows | told | right |", "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for low in sorted(set().union(*both.values())):
        found = [rows.get(low) for rows in both.values()]
        cells = [cell for row in found for cell in ((str(row["n"]), f"{row['told']:.2f}", f"{row['right']:.2f}") if row else ("–",) * 3)]
        lines.append(f"| {low:.1f} to {low + 0.1:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def readers(report: dict) -> str:
    """Where the label of a body is not the only one that a reader gave."""
    parts = []
    for column, row in report.get(BODIES, {}).items():
        if "either" in row:
            apart, right = row["either"]["apart"], row["either"]["accuracy"]
            parts.append(f"{column}: in {apart} of {row['n']} a second reader says something else; {row['accuracy']:.3f} are right by the label, {right:.3f} by one of both")
    return "; ".join(parts) if parts else "not measured"


def summary(report: dict) -> str:
    lines = ["| set | head | rows | accuracy | macro-F1 | ECE | by chance |", "| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    for stem, heads in report.items():
        for column, row in heads.items():
            lines.append(f"| {TITLES.get(stem, stem)} | {column} | {row['n']} | {row['accuracy']:.3f} | {row['macro_f1']:.3f} | {error(row)} |")
    return "\n".join(lines)


def error(row: dict) -> str:
    """Two cells: the calibration error, bold where chance does not explain it, and what chance alone makes of so many rows."""
    mean, high = row["ece_chance"]
    own = f"{row['ece']:.3f}"
    return f"{f'**{own}**' if row['ece'] > high else own} | {mean:.3f} to {high:.3f}"


def tables(report: dict) -> str:
    """Per label, on the held-out sets together."""
    parts = []
    for column in labels.HEADS:
        row = report.get(TOGETHER, {}).get(column)
        if row is None:
            continue
        parts.append(f"### {labels.POLICIES[column]}\n\n| label | precision | recall | F1 | rows |\n| --- | ---: | ---: | ---: | ---: |")
        parts[-1] += "".join(
            f"\n| {name} | {r['precision']:.3f} | {r['recall']:.3f} | {r['f1']:.3f} | {r['n']} |" for name, r in row["per_label"].items())
        pairs = "; ".join(f"{gold} taken for {called} {count} times" for gold, called, count in row["pairs"])
        parts.append(f"Most confused: {pairs}.")
    return "\n\n".join(parts)


def by(report: dict, stem: str, what: str) -> str:
    """Accuracy by language or kind, both heads; what has fewer than five rows is left out."""
    both = [report.get(stem, {}).get(column, {}).get(what, {}) for column in labels.HEADS]
    lines = ["| | task: rows | right | complexity: rows | right |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, first in both[0].items():
        second = both[1].get(name)
        if first["n"] >= 5:
            rest = f"{second['n']} | {second['accuracy']:.3f}" if second else "– | –"
            lines.append(f"| {name} | {first['n']} | {first['accuracy']:.3f} | {rest} |")
    return "\n".join(lines) if len(lines) > 2 else "not measured"


def by_group(report: dict) -> str:
    """Accuracy and calibration by language group, and by kind of request."""
    lines = ["| set | head | group | rows | accuracy | ECE | by chance | told − right |", "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    for stem, what in ((TOGETHER, "by_group"), ("heldout3", "by_group"), (BODIES, "by_group"), (BODIES, "by_kind")):
        for column in labels.HEADS:
            for name, row in report.get(stem, {}).get(column, {}).get(what, {}).items():
                if row["n"] >= 20:
                    lines.append(f"| {TITLES.get(stem, stem)} | {column} | {name} | {row['n']} | {row['accuracy']:.3f} | {error(row)} | {row['gap']:+.3f} |")
    return "\n".join(lines)


def thresholds(report: dict, stem: str = TOGETHER) -> str:
    """What a policy's threshold keeps, and how right the kept part is."""
    lines = ["| threshold | task: kept | task: right | complexity: kept | complexity: right |", "| ---: | ---: | ---: | ---: | ---: |"]
    both = [report.get(stem, {}).get(column, {}).get("coverage", []) for column in ("task", "complexity")]
    for task, complexity in zip(*both):
        cells = [f"{row[key]:.3f}" if row[key] is not None else "–" for row in (task, complexity) for key in ("coverage", "accuracy")]
        lines.append(f"| {task['threshold']:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def picture(report: dict, path: Path) -> None:
    """Both confusion matrices of the held-out sets, rows normalised, small."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(13, 6.2), dpi=70, width_ratios=(12, 8))
    for axis, column in zip(axes, labels.HEADS):
        row = report.get(TOGETHER, {}).get(column)
        if row is None:
            continue
        matrix = np.array(row["confusion"], float)
        share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        names = labels.HEADS[column]
        axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
        axis.set_yticks(range(len(names)), names, fontsize=8)
        for (y, x), value in np.ndenumerate(matrix):
            if value:
                axis.text(x, y, int(value), ha="center", va="center", fontsize=7, color="white" if share[y, x] > 0.5 else "black")
        axis.set_title(f"{labels.POLICIES[column]}: rows are true labels", fontsize=10)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
