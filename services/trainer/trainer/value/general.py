"""Prompts of all kinds, which training prompts are told apart from: `python -m trainer.value.general` draws them anew."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("general.jsonl")
"""CC0, written for the project; beside this file, because the training data are no part of the package."""
COUNT = 400
MOST_CHARS = 600
"""Longer ones cost more to read than they tell."""


def prompts() -> list[str]:
    """The same ones each time."""
    return [json.loads(line)["prompt"] for line in FILE.read_text(encoding="utf-8").rstrip("\n").split("\n")]


def drawn(folder: Path, count: int = COUNT) -> list[str]:
    """Evenly from all files of prompts in a folder."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as stream:
            found += [text for text in (json.loads(line)["prompt"] for line in stream if line.strip()) if len(text) <= MOST_CHARS]
    return [found[i] for i in np.unique(np.linspace(0, len(found) - 1, count).astype(int))]


if __name__ == "__main__":
    from ..data import OWN

    FILE.write_text("".join(json.dumps({"prompt": text}, ensure_ascii=False) + "\n" for text in drawn(OWN / "own")), encoding="utf-8")
