"""Labelled request bodies: what clients send, whole, for tasks that lone prompts don't show."""

from __future__ import annotations

import json
from pathlib import Path

from . import labels

KINDS = ("agent", "chat", "follow-up", "new-topic", "pipeline", "side", "support")
"""What a body is an example of; for tables, never a feature."""

PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/messages", "/v1/responses")

HOLDS = {"/v1/chat/completions": "messages", "/v1/completions": "prompt", "/v1/messages": "messages", "/v1/responses": "input"}
"""The field that holds the conversation, by path."""


def read(path: Path) -> list[dict]:
    """Rows of `{"body", "path", "task", "complexity", "kind", "lang", …}` (data/README.md), checked; a fault is named with file and line."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            fault = _fault(row)
        except (json.JSONDecodeError, AttributeError) as error:
            fault = str(error)
        if fault:
            raise SystemExit(f"{path}:{number}: {fault}")
        rows.append(row)
    return rows


def _fault(row: dict) -> str | None:
    for column, known in labels.HEADS.items():
        for label in (row.get(column), row.get(f"second_{column}")):
            if label is not None and label not in known:
                return f"label {label!r} is no {column} label; one of: {', '.join(known)}"
    if row.get("task") is None and row.get("complexity") is None:
        return "neither task nor complexity is labelled"
    if row.get("kind") not in KINDS:
        return f"kind {row.get('kind')!r} is none of {', '.join(KINDS)}"
    if row.get("path") not in PATHS:
        return f"path {row.get('path')!r} is none of {', '.join(PATHS)}"
    if not isinstance(row.get("body"), dict) or not row["body"].get(HOLDS[row["path"]]):
        return f"want a body with {HOLDS[row['path']]!r}"
    return None


def texts(value: object) -> list[str]:
    """Every string of a body that a person, a model or a tool said, in order; for finding repeats."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    if isinstance(value, dict):
        said = ("messages", "input", "prompt", "instructions", "system", "content", "text", "output", "arguments")
        return [text for key in said if key in value for text in texts(value[key])]
    return []
