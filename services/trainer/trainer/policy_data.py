"""Reads a user's labelled texts, and refuses what would make a bad classifier: what is wrong, where, what would be right."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

MAX_ROWS = 100_000
MAX_LABELS = 1_000
MAX_LABEL_CHARS = 128
SHOWN = 5
"""How many offenders a message names."""

TEXT_COLUMNS = ("text", "prompt", "utterance", "sentence", "query")
LABEL_COLUMNS = ("label", "category", "intent", "class", "task", "complexity")


class BadData(Exception):
    """Unusable training data; the message is for the user."""


@dataclass(frozen=True)
class Examples:
    """Texts with their labels, duplicates dropped. Labels are sorted: index = position."""

    texts: list[str]
    labels: list[str]
    names: tuple[str, ...]
    dropped: int


def read(path: Path) -> Examples:
    """Reads `.csv` (a header line with text,label) or `.jsonl` (objects with text and label).

    Raises BadData for whatever the user has to mend; nothing is written anywhere.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadData(f"{path}: cannot be read ({error.strerror})") from None
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadData(
            f"{path}:{line}: not UTF-8 (byte 0x{raw[error.start]:02x} at offset {error.start}). "
            "Save the file as UTF-8, e.g. iconv -f WINDOWS-1252 -t UTF-8"
        ) from None
    if "\0" in content:
        raise BadData(f"{path}: holds NUL bytes; is this a spreadsheet or UTF-16? Export it as CSV in UTF-8")
    suffix = path.suffix.lower()
    if suffix == ".csv":
        rows = _csv(path, content)
    elif suffix in (".jsonl", ".ndjson"):
        rows = _jsonl(path, content)
    else:
        raise BadData(f"{path}: want a .csv or .jsonl file, not '{suffix or 'no extension'}'")
    return check(path, rows)


def _columns(path: Path, found: list[str]) -> tuple[str, str]:
    by_name = {name.strip().lower(): name for name in found}
    text = next((by_name[name] for name in TEXT_COLUMNS if name in by_name), None)
    label = next((by_name[name] for name in LABEL_COLUMNS if name in by_name), None)
    if text is None or label is None:
        missing = " and ".join(name for name, have in (("text", text), ("label", label)) if have is None)
        raise BadData(f"{path}:1: no column '{missing}'; found {', '.join(map(repr, found)) or 'nothing'}. The first line must be: text,label")
    return text, label


def _csv(path: Path, content: str) -> list[tuple[int, str, str]]:
    csv.field_size_limit(16 * 1024 * 1024)
    first = content.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, str, str]] = []
    try:
        header = next(reader, [])
        text, label = (header.index(name) for name in _columns(path, header))
        before = reader.line_num
        for fields in reader:
            line, before = before + 1, reader.line_num
            if not fields:
                continue
            if len(fields) != len(header):
                raise BadData(
                    f"{path}:{line}: {len(fields)} fields where the header has {len(header)}; a text with '{delimiter}' in it must stand in double quotes"
                )
            rows.append((line, fields[text], fields[label]))
            _bounded(path, len(rows), content)
    except csv.Error as error:
        raise BadData(f"{path}:{reader.line_num}: not valid CSV ({error})") from None
    return rows


def _jsonl(path: Path, content: str) -> list[tuple[int, str, str]]:
    rows: list[tuple[int, str, str]] = []
    for line, source in enumerate(content.split("\n"), 1):
        if not source.strip():
            continue
        try:
            item = json.loads(source)
        except json.JSONDecodeError as error:
            raise BadData(f"{path}:{line}: not JSON ({error.msg} at column {error.colno})") from None
        if not isinstance(item, dict):
            raise BadData(f'{path}:{line}: want an object {{"text": "…", "label": "…"}}')
        by_name = {name.lower(): name for name in item}
        text = next((by_name[n] for n in TEXT_COLUMNS if n in by_name), None)
        label = next((by_name[n] for n in LABEL_COLUMNS if n in by_name and item[by_name[n]] is not None), None)
        if text is None or label is None:
            missing = " and ".join(f'"{n}"' for n, have in (("text", text), ("label", label)) if have is None)
            raise BadData(f'{path}:{line}: no {missing}; found {", ".join(map(repr, item)) or "nothing"}. Want {{"text": "…", "label": "…"}}')
        if not isinstance(item[text], str) or not isinstance(item[label], str):
            raise BadData(f"{path}:{line}: text and label must be strings")
        rows.append((line, item[text], item[label]))
        _bounded(path, len(rows), content)
    return rows


def _bounded(path: Path, count: int, content: str) -> None:
    if count > MAX_ROWS:
        about = content.count("\n")
        raise BadData(
            f"{path}: about {about:,} rows; at most {MAX_ROWS:,} train a head on a CPU. A head gains little past a few "
            f"hundred rows a label: take a sample, e.g. (head -1 FILE; tail -n +2 FILE | shuf -n 20000) > sample.csv"
        )


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
