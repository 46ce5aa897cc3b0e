"""Reads a user's labelled texts, and refuses what would make a bad classifier: what is wrong, where, what would be right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .rows import BadData, is_table, records

MAX_ROWS = 100_000
MAX_LABELS = 1_000
MAX_LABEL_CHARS = 128
SHOWN = 5
"""How many offenders a message names."""

TEXT_COLUMNS = ("text", "prompt", "utterance", "sentence", "query")
LABEL_COLUMNS = ("label", "category", "intent", "class", "task", "complexity")


@dataclass(frozen=True)
class Examples:
    """Texts with their labels, duplicates dropped. Labels are sorted: index = position."""

    texts: list[str]
    labels: list[str]
    names: tuple[str, ...]
    dropped: int


def read(path: Path) -> Examples:
    """Reads a table (a header line with text,label) or JSON lines (objects with text and label), as `rows` does.

    Raises BadData for whatever the user has to mend; nothing is written anywhere.
    """
    found: list[tuple[int, str, str]] = []
    for line, row in records(path, lambda names: _columns(path, names)):
        text, label = _columns(path, list(row)) if is_table(path) else _keys(path, line, row)
        if not isinstance(row[text], str) or not isinstance(row[label], str):
            raise BadData(f"{path}:{line}: text and label must be strings")
        found.append((line, row[text], row[label]))
        if len(found) > MAX_ROWS:
            raise BadData(
                f"{path}: over {MAX_ROWS:,} rows, which is the most that train a head on a CPU. A head gains little past a few "
                f"hundred rows a label: take a sample, e.g. (head -1 FILE; tail -n +2 FILE | shuf -n 20000) > sample.csv"
            )
    return check(path, found)


def _columns(path: Path, found: list[str]) -> tuple[str, str]:
    by_name = {name.strip().lower(): name for name in found}
    text = next((by_name[name] for name in TEXT_COLUMNS if name in by_name), None)
    label = next((by_name[name] for name in LABEL_COLUMNS if name in by_name), None)
    if text is None or label is None:
        missing = " and ".join(name for name, have in (("text", text), ("label", label)) if have is None)
        raise BadData(f"{path}:1: no column '{missing}'; found {', '.join(map(repr, found)) or 'nothing'}. The first line must be: text,label")
    return text, label


def _keys(path: Path, line: int, item: dict) -> tuple[str, str]:
    by_name = {name.lower(): name for name in item}
    text = next((by_name[n] for n in TEXT_COLUMNS if n in by_name), None)
    label = next((by_name[n] for n in LABEL_COLUMNS if n in by_name and item[by_name[n]] is not None), None)
    if text is None or label is None:
        missing = " and ".join(f'"{n}"' for n, have in (("text", text), ("label", label)) if have is None)
        raise BadData(f'{path}:{line}: no {missing}; found {", ".join(map(repr, item)) or "nothing"}. Want {{"text": "…", "label": "…"}}')
    return text, label


def check(path: Path, rows: list[tuple[int, str, str]]) -> Examples:
    """Refuses rows (line, text, label) that cannot train a classifier."""
    if not rows:
        raise BadData(f"{path}: no rows below the header; want lines of text,label")
    trimmed = [(line, text.strip(), label.strip()) for line, text, label in rows]
    for what, at in (("text", 1), ("label", 2)):
        empty = [row[0] for row in trimmed if not row[at]]
        if empty:
            raise BadData(f"{path}:{empty[0]}: empty {what}{_others(len(empty))}. Fill it in or delete the row")
    for line, _, label in trimmed:
        if len(label) > MAX_LABEL_CHARS or any(ord(c) < 32 for c in label):
            raise BadData(f"{path}:{line}: a label is one line of at most {MAX_LABEL_CHARS} characters; are text and label swapped?")
    labels_of: dict[str, dict[str, int]] = {}
    for line, text, label in trimmed:
        labels_of.setdefault(" ".join(text.split()).casefold(), {}).setdefault(label, line)
    torn = [(text, found) for text, found in labels_of.items() if len(found) > 1]
    if torn:
        shown = "; ".join(
            f"'{text[:60]}' is " + " and ".join(f"{label} (line {line})" for label, line in found.items()) for text, found in torn[:SHOWN])
        raise BadData(f"{path}: {len(torn)} text(s) with contradicting labels: {shown}. Keep one label for each text")
    texts, labels, seen = [], [], set()
    for _, text, label in trimmed:
        key = " ".join(text.split()).casefold()
        if key not in seen:
            seen.add(key)
            texts.append(text)
            labels.append(label)
    counts = Counter(labels)
    if len(counts) < 2:
        raise BadData(f"{path}: every row has the label '{next(iter(counts))}'; a policy chooses between at least two")
    if len(counts) > MAX_LABELS:
        raise BadData(f"{path}: {len(counts):,} different labels, at most {MAX_LABELS:,}; is the label column the right one?")
    lone = sorted(label for label, count in counts.items() if count < 2)
    if lone:
        named = ", ".join(f"'{label}'" for label in lone[:SHOWN])
        raise BadData(
            f"{path}: only one example (after duplicates are dropped) for {len(lone)} label(s): {named}{'…' if len(lone) > SHOWN else ''}. "
            "Cross-validation needs two at least; ten or more make a usable label"
        )
    return Examples(texts, labels, tuple(sorted(counts)), len(trimmed) - len(texts))


def _others(count: int) -> str:
    return f" (and {count - 1:,} more)" if count > 1 else ""
