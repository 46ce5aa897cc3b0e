"""Prompts of all kinds, which training prompts are told apart from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..data import OWN

COUNT = 400
MOST_CHARS = 600
"""Longer ones cost more to read than they tell."""


def prompts(folder: Path = OWN / "own", count: int = COUNT) -> list[str]:
    """Evenly from all that was written for the project; the same ones each time. Empty where the folder is missing."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as stream:
            found += [text for text in (json.loads(line)["prompt"] for line in stream if line.strip()) if len(text) <= MOST_CHARS]
    return [found[i] for i in np.unique(np.linspace(0, len(found) - 1, count).astype(int))] if found else []
