"""Reading, cleaning and weighting of labelled prompts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from . import labels, relabel

OWN = Path(__file__).resolve().parent.parent / "data"
"""Prompts written for this project (CC0), beside this package."""

OUTLIERS = 600
"""Texts that no label fits, among the training rows."""


@dataclass(frozen=True)
class Row:
    """One prompt. A label of None means "not labelled for this head": masked in the loss, never a negative."""

    prompt: str
    task: str | None
    complexity: str | None
    intent: str | None
    source: str
    weight: float = 1.0
    second_task: str | None = None
    """What a second reader said, where that differs."""
    second_complexity: str | None = None
    lang: str | None = None
    """ISO 639-1 of the words that ask; None where nobody said."""
    kind: str = "prompt"
    """`prompt`, or what a request body was an example of (`bodies.KINDS`)."""
    agent: bool = False
    """An agent asks, as the router tells of the request body."""
    unsure: bool = False
    """No label fits: every head is taught to find all alike (`outliers`)."""


def read_jsonl(path: Path) -> list[Row]:
    """Reads rows of `{"prompt", "task", "complexity", "intent", "source"}`; missing labels are None."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                item = json.loads(line)
                rows.append(
                    Row(
                        item["prompt"], item.get("task"), item.get("complexity"), item.get("intent"),
                        item.get("source", path.stem), second_task=item.get("second_task"), second_complexity=item.get("second_complexity"),
                        lang=item.get("language", item.get("lang")), kind=item.get("kind", "prompt"),
                        agent=item.get("agent") is True,
                    )
                )
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                raise SystemExit(f"{path}:{number}: want an object with at least a prompt ({error})") from None
    check_labels(rows, path)
    return rows


def check_labels(rows: list[Row], path: Path) -> None:
    """Refuses labels that no head has."""
    for row in rows:
        for column, known in labels.HEADS.items():
            for label in (getattr(row, column), getattr(row, f"second_{column}")):
                if label is not None and label not in known:
                    raise SystemExit(f"{path}: label {label!r} is no {column} label; one of: {', '.join(known)}")


def own_rows(weight: float = 2.0, bodies: Path | None = None) -> list[Row]:
    """The project's own prompts; they count more, because they look like real traffic.

    bodies: prompts that `npm run bodies` made of labelled request bodies.
    """
    rows: list[Row] = []
    for path in [*sorted((OWN / "own").glob("*.jsonl")), *([bodies] if bodies else [])]:
        rows += read_jsonl(path)
    once = {row.prompt: row for row in reversed(rows)}
    return [replace(row, weight=weight) for row in reversed(once.values())]


def validation_rows(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Splits the project's own prompts by what is pasted in them: about one group in ten validates and calibrates."""
    parts: tuple[list[Row], list[Row]] = ([], [])
    for row in rows:
        digest = hashlib.sha256(passage_of(row.prompt).encode()).digest()
        parts[digest[0] < 26].append(row)
    return parts


def passage_of(prompt: str) -> str:
    """The longest line: what prompts on the same pasted text share."""
    return max(prompt.splitlines() or [""], key=len)[:200].strip().lower()


def training_rows(shared: Path, bodies: Path | None = None) -> list[Row]:
    """Everything the encoder is trained on: shared rows, relabelled where they contradict themselves, our own, and outliers."""
    from . import outliers

    cleaned = relabel.clean(read_jsonl(shared / "train.jsonl"))
    kept = validation_rows(own_rows(bodies=bodies))[0]
    own = [part for row in kept for part in both_readings(row)]
    words = [word for row in kept if row.kind == "prompt" for word in row.prompt.split()[:12]]
    return without(cleaned + own + outliers.rows(OUTLIERS, 1, words), held_out_rows())


def both_readings(row: Row) -> list[Row]:
    """Where two readers differ, each is half right: the row twice, at half its weight, so that the model learns to doubt."""
    if row.second_task is None and row.second_complexity is None:
        return [row]
    first = replace(row, weight=row.weight / 2, second_task=None, second_complexity=None)
    return [first, replace(first, task=row.second_task or row.task, complexity=row.second_complexity or row.complexity)]


def held_out_rows() -> list[Row]:
    """Prompts that only reports may see."""
    return [row for path in sorted((OWN / "heldout").glob("*.jsonl")) for row in read_jsonl(path)]


def without(rows: list[Row], held_out: list[Row]) -> list[Row]:
    """Drops rows that the held-out set has too, in any case and spacing ("hi" is written by everybody)."""
    taken = {_key(row.prompt) for row in held_out}
    return [row for row in rows if _key(row.prompt) not in taken]


def _key(prompt: str) -> str:
    return " ".join(prompt.split()).casefold()


def intent_labels(rows: list[Row]) -> tuple[str, ...]:
    """Banking77's labels, sorted, so that an index is the same in every run."""
    return tuple(sorted({row.intent for row in rows if row.intent}))
