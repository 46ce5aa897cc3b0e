"""Fine-tunes the encoder with one linear head per label column; labels that a row lacks are masked."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import base, batches, checkpoint, labels, resume, start_heads, tokens
from .data import Row, intent_labels
from .shape import EMBEDDING

WARM_UP, LOWEST = 1 / 20, 0.02
"""Share of the run in which the rate rises, and what part of it is left at the end of the cosine."""
HEAD_RATE = 4e-4
CHECKPOINT_SECONDS = 120


@dataclass(frozen=True)
class Shares:
    """How often an epoch sees a row, by its kind: 1 is once, 2.5 twice or thrice."""

    own: float = 1.0
    bodies: float = 1.0
    other_languages: float = 1.0
    """Factor of our own rows that are not English."""
    shared: float = 0.5
    intent: float = 0.4

    def of(self, row) -> float:
        if not row.source.startswith("own/"):
            return self.shared * min(1.0, row.weight) if row.task or row.complexity else self.intent
        share = self.own if row.kind == "prompt" else self.bodies
        return share if row.lang in (None, "en", "xx") else share * self.other_languages

    def draw(self, rows: list, rng: np.random.Generator) -> list:
        """The rows of one epoch."""
        return [row for row in rows for _ in range(int(self.of(row) + rng.random()))]


@dataclass(frozen=True)
class Budget:
    """The whole run, in epochs or in minutes of training (all starts together); minutes win where both are given."""

    epochs: int = 3
    minutes: float | None = None

    def progress(self, progress: checkpoint.Progress, within: float) -> float:
        """How much of the run is over, 0…1. within: of the epoch that runs."""
        if self.minutes is not None:
            return progress.seconds / 60 / self.minutes
        return (progress.epochs + within) / self.epochs


def rate_at(progress: float) -> float:
    """Share of the peak rate: a short rise, then a cosine."""
    if progress < WARM_UP:
        return max(progress / WARM_UP, 0.01)
    along = min(1.0, (progress - WARM_UP) / (1 - WARM_UP))
    return LOWEST + (1 - LOWEST) * 0.5 * (1 + np.cos(np.pi * along))


def head_sizes(rows: list[Row]) -> dict[str, tuple[str, ...]]:
    return {**labels.HEADS, "intent": intent_labels(rows)}


def class_weights(rows: list, heads: dict[str, tuple[str, ...]], share: Callable) -> dict[str, np.ndarray]:
    """Inverse square root of each label's part in an epoch, mean 1: rare labels count, common ones don't vanish."""
    out = {}
    for column, names in heads.items():
        counts = np.array([sum(row.weight * share(row) for row in rows if getattr(row, column) == name) for name in names])
        weight = 1 / np.sqrt(np.maximum(counts, 1))
        out[column] = (weight / weight.mean()).astype(np.float32)
    return out


def engine_named(name: str):
    """The class of an engine: `jax`, or `torch` where it is installed."""
    if name == "torch":
        try:
            from . import engine_torch as module
        except ImportError as error:
            raise SystemExit(f"--engine torch: {error} (pip install torch)") from None
    else:
        from . import engine_jax as module
    return module.Engine


def initial_params(tokenizer: Path, heads, start: Path | None = None) -> dict[str, np.ndarray]:
    """The pretrained encoder with empty heads, or what an earlier run wrote: its weights, or its model repository."""
    if start is not None and start.is_dir():
        return resume.params(start, base.load_params(tokenizer), heads)
    if start is not None:
        params, had = load(start)
        if had != heads:
            raise SystemExit(f"{start} was trained for other labels")
        return params
    params = base.load_params(tokenizer)
    for column, names in heads.items():
        params[f"head.{column}.weight"] = np.zeros((len(names), EMBEDDING), np.float32)
        params[f"head.{column}.bias"] = np.zeros(len(names), np.float32)
    return params


def train(
    rows: list, *, tokenizer: Path, out: Path, budget: Budget, seed: int = 0, rate: float = 1e-4, shares: Shares = Shares(),
    heads: dict[str, tuple[str, ...]] | None = None, start: Path | None = None, engine: str = "jax", limit: int = 256,
    log: Callable[[str], None] = print,
) -> dict[str, np.ndarray]:
    """Trains, and writes and returns the averaged weights (`out`). Progress every few seconds.

    Beside `out` lies a checkpoint, written every two minutes and when the process is told to end; where there is one, training
    goes on from it, with the rows, budget, shares and limit of this call.
    """
    heads = heads or head_sizes(rows)
    reader = tokens.load_tokenizer(tokenizer)
    rng = np.random.default_rng(seed)
    kind = engine_named(engine)
    params = initial_params(tokenizer, heads, start)
    state_path = out.with_suffix(".checkpoint.npz")
    progress = checkpoint.Progress()
    if state_path.is_file():
        worker = kind(params, seed)
        state, progress = checkpoint.load(state_path, engine)
        worker.restore(state)
        rng.bit_generator.state = progress.random
        log(f"goes on from {state_path}: {progress.seconds / 60:.1f} minutes trained, {progress.epochs} epochs begun")
    else:
        if start is None:
            params |= start_heads.heads(kind(params, seed), rows, heads, reader, rng, log)
        worker = kind(params, seed)
    weights = class_weights(rows, heads, shares.of)
    spoken, saved, recent = 0.0, time.monotonic(), []
    log(f"{len(rows):,} rows, {sum(map(shares.of, rows)):,.0f} an epoch")
    with _Stop() as stopped:
        part = 0.0
        while part < 1:
            progress.random = rng.bit_generator.state
            drawn = shares.draw(rows, rng)
            order = batches.epoch(drawn, heads, weights, reader, rng, limit=limit, fixed=worker.fixed_shapes)
            seen, last = 0, time.monotonic()
            for number, batch in enumerate(order):
                seen += len(batch.ids)
                if number < progress.batches:
                    continue
                part = budget.progress(progress, min(1.0, (seen - len(batch.ids)) / len(drawn)))
                if part >= 1 or stopped.asked:
                    break
                share = rate_at(part)
                recent.append(worker.step(batch, rate * share, HEAD_RATE * share))
                progress.batches = number + 1
                now = time.monotonic()
                progress.seconds += now - last
                last = now
                if now - spoken > 10:
                    spoken = now
                    log(f"epoch {progress.epochs + 1}, {seen:,} of {len(drawn):,} rows, step {worker.done:,}, loss {np.mean(recent[-200:]):.3f}, "
                        f"{part:.1%} of the run, {progress.seconds / 60:.1f} min")
                if now - saved > CHECKPOINT_SECONDS:
                    saved = now
                    checkpoint.save(state_path, engine, worker.state(), progress)
            else:
                progress.epochs, progress.batches, progress.random = progress.epochs + 1, 0, rng.bit_generator.state
                part = budget.progress(progress, 0.0)
            save(out, worker.weights(), heads)
            checkpoint.save(state_path, engine, worker.state(), progress)
            if stopped.asked:
                raise SystemExit(f"stopped at {part:.1%}; the same command goes on from {state_path}")
    return worker.weights()


class _Stop:
    """Hears SIGTERM and SIGINT while it is entered, so that a run ends with a checkpoint."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> _Stop:
        self.before = {number: signal.signal(number, self._hear) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _hear(self, *_: object) -> None:
        self.asked = True


def save(out: Path, params, heads) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".partial.npz")
    np.savez(partial, **{f"w:{n}": np.asarray(v) for n, v in params.items()}, **{f"l:{c}": np.array(n) for c, n in heads.items()})
    partial.rename(out)


def load(path: Path) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, ...]]]:
    """Weights and labels by column, as `save` wrote them."""
    with np.load(path) as file:
        params = {name[2:]: file[name] for name in file.files if name.startswith("w:")}
        heads = {name[2:]: tuple(str(x) for x in file[name]) for name in file.files if name.startswith("l:")}
    return params, heads
