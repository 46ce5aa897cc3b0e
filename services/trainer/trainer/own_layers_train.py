"""Trains a policy's own layers and head (`own_layers`) on the states that the served encoder gives before them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from . import own_layers
from .own_layers import Arrays

BATCH, PARTS = 32, 4
"""Rows of a step, and how many parts of it are computed side by side; the sum over parts has one order on every machine."""
RATE, HEAD_RATE = 3e-4, 2e-3
WARM, CLIP, DECAY = 0.06, 1.0, 0.01
SMOOTHING, DROPOUT, HIDDEN_TOKENS = 0.08, 0.1, 0.1
"""HIDDEN_TOKENS: share of a row's tokens, but for the first, that a step does not see."""
AGAINST = 0.07
"""How far states are moved where the loss grows most, of their own length, for a second look at each row in the same step (Goodfellow et al. 2015)."""
AVERAGE = 0.998
FIRST, SECOND = 0.9, 0.999
"""Of Adam's moments."""
KEEP_S, SAY_S = 60, 10


@dataclass(frozen=True)
class States:
    """What the encoder gives before its last layers: rows one after the other, [tokens of all, WIDTH] float16."""

    values: np.ndarray
    lengths: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def batch(self, rows: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[rows, tokens, WIDTH] and mask [rows, tokens], both float32, padded to the longest."""
        tokens = int(self.lengths[rows].max())
        states = np.zeros((len(rows), tokens, self.values.shape[1]), np.float32)
        mask = np.zeros((len(rows), tokens), np.float32)
        for at, row in enumerate(rows):
            states[at, : self.lengths[row]] = self.values[starts[row]: starts[row] + self.lengths[row]]
            mask[at, : self.lengths[row]] = 1
        return states, mask


class _Trainer:
    """Weights, their running average and AdamW's moments."""

    def __init__(self, weights: Arrays) -> None:
        self.arrays = {
            kind: {name: value.copy() if kind in "wa" else np.zeros_like(value) for name, value in weights.items()} for kind in ("w", "a", "m", "v")}
        self.done = 0

    def step(self, grads: Arrays, pace: float, pool: ThreadPoolExecutor) -> None:
        norm = np.sqrt(sum(float((value * value).sum()) for value in grads.values()))
        clip = np.float32(min(1.0, CLIP / (norm + 1e-6)))
        self.done += 1
        first, second = 1 - FIRST**self.done, 1 - SECOND**self.done
        blend = np.float32(1 - min(AVERAGE, self.done / (9 + self.done)))

        def update(name: str) -> None:
            w, a, m, v = (self.arrays[kind][name] for kind in ("w", "a", "m", "v"))
            g = grads[name] * clip
            rate = pace * (HEAD_RATE if name.startswith("head.") else RATE)
            m *= np.float32(FIRST)
            m += g * np.float32(1 - FIRST)
            g *= g
            v *= np.float32(SECOND)
            v += g * np.float32(1 - SECOND)
            change = np.sqrt(v * np.float32(1 / second))
            change += np.float32(1e-8)
            np.divide(m, change, out=change)
            change *= np.float32(rate / first)
            w *= np.float32(1 - rate * DECAY)
            w -= change
            a += (w - a) * blend

        list(pool.map(update, grads))

    def keep(self, path: Path, of: str) -> None:
        partial = path.with_name(f".{os.getpid()}-{path.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.savez(stream, of=np.array(of), done=np.array(self.done), **{f"{kind}:{name}": value for kind, each in self.arrays.items() for name, value in each.items()})
        os.replace(partial, path)

    def restore(self, path: Path, of: str) -> bool:
        """Goes on from what was kept, if that is of the same training."""
        if not path.is_file():
            return False
        with np.load(path) as stored:
            if str(stored["of"]) != of:
                return False
            self.done = int(stored["done"])
            for kind, each in self.arrays.items():
                for name in each:
                    each[name] = stored[f"{kind}:{name}"]
        return True


def _batches(rows: np.ndarray, lengths: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """One epoch: rows by lot, those of a batch alike in length, so that little is padded. The last few rows wait for another epoch."""
    out = []
    mixed = rng.permutation(rows)
    size = min(BATCH, len(rows))
    for at in range(0, len(mixed), 32 * size):
        chunk = mixed[at: at + 32 * size]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        out += [chunk[start: start + size] for start in range(0, len(chunk) - size + 1, size)]
    return [out[i] for i in rng.permutation(len(out))]


def engine() -> tuple[Callable, int]:
    """What computes a step's gradients, and in how many parts: PyTorch where it is there and fast on this machine, else NumPy.

    Threads over parts of a step use the cores better than threads within each of NumPy's products; PyTorch's are its own affair.
    """
    try:
        from . import own_layers_torch
    except ImportError:
        return own_layers.gradients, PARTS
    return (own_layers_torch.gradients, 1) if own_layers_torch.is_fast() else (own_layers.gradients, PARTS)


def _against(states: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """states [rows, tokens, WIDTH], each row moved AGAINST of its length along slope, the loss' gradient."""
    length, steepness = (np.sqrt((of * of).sum((1, 2), keepdims=True)) for of in (states, slope))
    return states + slope * (np.float32(AGAINST) * length / np.maximum(steepness, np.float32(1e-30)))


def _part(gradients: Callable, weights: Arrays, states: np.ndarray, mask: np.ndarray, gold: np.ndarray, of: int, rng: np.random.Generator) -> tuple[float, Arrays]:
    """Loss and gradients of some rows of a step of `of` rows: of the rows as they are, and as they are hardest to tell nearby."""
    hidden = rng.random(mask.shape) < HIDDEN_TOKENS
    hidden[:, 0] = False
    mask = mask * ~hidden
    width, labels = weights["head.weight"].shape
    wanted = np.full((len(gold), labels), SMOOTHING / labels, np.float32)
    wanted[np.arange(len(gold)), gold] += 1 - SMOOTHING

    def seen(states: np.ndarray) -> tuple[float, Arrays, np.ndarray]:
        # What is dropped is scaled up where it stays.
        stays = (rng.random((len(gold), width)) >= DROPOUT).astype(np.float32) / np.float32(1 - DROPOUT)
        return gradients(weights, states, mask, wanted, of, stays)

    loss, grads, slope = seen(states)
    for name, more in seen(_against(states, slope))[1].items():
        grads[name] += more
    return loss, grads


def train(
    weights: Arrays, states: States, gold: np.ndarray, rows: np.ndarray, epochs: int, seed: int, *,
    keep: tuple[Path, str] | None = None, log: Callable[[str], None] = lambda _: None,
) -> Arrays:
    """The averaged weights after so many epochs over `rows`.

    weights: to start from, `head.*` among them; gold: label indices of all rows. keep: a file for what is done so far, from which the same
    training (what its text says) goes on; it is there when all is done, too.
    """
    trainer, starts = _Trainer(weights), states.starts
    per_epoch = len(_batches(rows, states.lengths, np.random.default_rng(0)))
    steps = epochs * per_epoch
    if keep and trainer.restore(*keep):
        log(f"layers: {'trained before' if trainer.done >= steps else f'going on after {trainer.done:,} of {steps:,} steps'}")
    gradients, parts = engine()
    begun = kept = said = time.monotonic()
    start, loss = trainer.done, 0.0
    with ThreadPoolExecutor(min(PARTS, os.cpu_count() or 1)) as pool, threadpool_limits(1, user_api="blas"):
        while trainer.done < steps:
            epoch = trainer.done // per_epoch
            batches = _batches(rows, states.lengths, np.random.default_rng((seed, epoch)))
            for batch in batches[trainer.done % per_epoch:]:
                done, rounded = trainer.done, own_layers.rounded_weights(trainer.arrays["w"])

                def one(given: tuple[int, np.ndarray]) -> tuple[float, Arrays]:
                    number, part = given
                    return _part(gradients, rounded, *states.batch(part, starts), gold[part], len(batch), np.random.default_rng((seed, done, number)))  # noqa: B023

                found = list(pool.map(one, enumerate(np.array_split(batch, min(parts, len(batch))))))
                grads = found[0][1]
                for _, more in found[1:]:
                    for name, value in more.items():
                        grads[name] += value
                loss = 0.98 * loss + 0.02 * sum(part for part, _ in found) if done > start else sum(part for part, _ in found)
                trainer.step(grads, min(1.0, (done + 1) / (WARM * steps)) * (1 - done / steps), pool)
                now = time.monotonic()
                if now - said > SAY_S and trainer.done - start >= 5:
                    said = now
                    left = (now - begun) / (trainer.done - start) * (steps - trainer.done)
                    log(f"layers: epoch {epoch + 1} of {epochs}, {trainer.done / steps:.0%}, loss {loss:.2f}, about {max(1, round(left / 60))} min to go")
                if keep and now - kept > KEEP_S:
                    kept = now
                    trainer.keep(*keep)
    if keep and trainer.done > start:
        trainer.keep(*keep)
    return trainer.arrays["a"]
