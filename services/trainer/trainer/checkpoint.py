"""A training run on disk, so that it goes on where it was stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np


@dataclass
class Progress:
    """seconds: trained in, over all starts; epochs: over; batches: of the next one, that are over, too; random: the generator's
    state before it."""

    seconds: float = 0.0
    epochs: int = 0
    batches: int = 0
    random: dict | None = None


def save(path: Path, engine: str, state: dict[str, np.ndarray], progress: Progress) -> None:
    """Written beside and renamed: a stop while writing costs a checkpoint's age, never the run."""
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **state, meta=np.array(json.dumps({"engine": engine, **asdict(progress)})))
    partial.rename(path)


def load(path: Path, engine: str) -> tuple[dict[str, np.ndarray], Progress]:
    """What `save` wrote; another engine's is refused."""
    with np.load(path) as file:
        state = {name: file[name] for name in file.files}
    meta = json.loads(str(state.pop("meta")))
    had = meta.pop("engine")
    if had != engine:
        raise SystemExit(f"{path} was written by the {had} engine: go on with --engine {had}, or delete it to begin anew")
    return state, Progress(**meta)
