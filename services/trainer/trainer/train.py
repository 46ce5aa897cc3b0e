"""Fine-tunes the encoder with one linear head per label column; labels that a row lacks are masked."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

from . import augment, labels, resume, tokens
from .data import Row, intent_labels
from .encoder import dropout, embed, load_params
from .shape import EMBEDDING

BUCKETS = ((16, 64), (32, 48), (64, 32), (96, 24), (128, 20), (192, 14), (256, 10))
"""(tokens, rows) of a batch: short prompts go together, so that none pays for a long one's padding."""

HEAD_WEIGHT = {"task": 1.0, "complexity": 1.0, "intent": 0.4}
SMOOTHING = 0.08


@dataclass(frozen=True)
class LabelledText:
    """A row of a policy's own data: one head, named label."""

    prompt: str
    label: str
    weight: float = 1.0
    source: str = "own/policy"
    task: str | None = None
    complexity: str | None = None


def head_sizes(rows: list[Row]) -> dict[str, tuple[str, ...]]:
    return {**labels.HEADS, "intent": intent_labels(rows)}


def class_weights(rows: list[Row], heads: dict[str, tuple[str, ...]], share) -> dict[str, np.ndarray]:
    """Inverse square root of each label's part in an epoch, mean 1: rare labels count, common ones don't vanish."""
    out = {}
    for column, names in heads.items():
        counts = np.array([sum(row.weight * share(row) for row in rows if getattr(row, column) == name) for name in names])
        weight = 1 / np.sqrt(np.maximum(counts, 1))
        out[column] = (weight / weight.mean()).astype(np.float32)
    return out


def batches(rows: list[Row], heads, weights, tokenizer, rng: np.random.Generator):
    """One epoch of shuffled, length-bucketed batches of fixed shapes (so that each shape compiles once)."""
    texts = [augment.vary(row.prompt, rng) for row in rows]
    sequences = tokens.encode(tokenizer, texts, BUCKETS[-1][0])
    index_of = {column: {name: i for i, name in enumerate(names)} for column, names in heads.items()}
    pools: list[list[int]] = [[] for _ in BUCKETS]
    for i, sequence in enumerate(sequences):
        pools[next(b for b, (limit, _) in enumerate(BUCKETS) if len(sequence) <= limit)].append(i)
    chunks = []
    for (length, size), pool in zip(BUCKETS, pools):
        rng.shuffle(pool)
        chunks += [(length, pool[at: at + size], size) for at in range(0, len(pool), size)]
    rng.shuffle(chunks)
    for length, members, size in chunks:
        padded = members + [members[0]] * (size - len(members))
        ids, mask = tokens.pad([sequences[i] for i in padded], length)
        target, weight = {}, {}
        for column in heads:
            names = [getattr(rows[i], column) for i in padded]
            target[column] = np.array([index_of[column][n] if n else 0 for n in names], np.int32)
            weight[column] = np.array(
                [rows[i].weight * weights[column][index_of[column][n]] if n and at < len(members) else 0.0
                 for at, (i, n) in enumerate(zip(padded, names))], np.float32)
        yield ids, mask, target, weight


def initial_params(folder: Path, heads, seed: int, start: Path | None = None) -> dict[str, np.ndarray]:
    """The pretrained encoder with fresh heads, or what an earlier run wrote: its weights, or its model repository."""
    if start is not None and start.is_dir():
        return resume.params(start, load_params(folder), heads)
    if start is not None:
        params, had = load(start)
        if had != heads:
            raise SystemExit(f"{start} was trained for other labels")
        return params
    rng = np.random.default_rng(seed)
    params = load_params(folder)
    for column, names in heads.items():
        params[f"head.{column}.weight"] = rng.normal(0, 0.02, (len(names), EMBEDDING)).astype(np.float32)
        params[f"head.{column}.bias"] = np.zeros(len(names), np.float32)
    return params


def loss_of(params, ids, mask, target, weight, key):
    key, drop = jax.random.split(key)
    embedding = dropout(embed(params, ids, mask, key), 0.1, drop)
    total = 0.0
    for column, gold in target.items():
        logits = embedding @ params[f"head.{column}.weight"].T + params[f"head.{column}.bias"]
        size = logits.shape[-1]
        soft = jax.nn.one_hot(gold, size) * (1 - SMOOTHING) + SMOOTHING / size
        losses = optax.softmax_cross_entropy(logits, soft)
        # Divided by the batch's rows, not its labelled rows: a lone label must not count as a whole batch.
        total += HEAD_WEIGHT.get(column, 1.0) * (losses * weight[column]).sum() / gold.shape[0]
    return total


def is_frozen(name: str) -> bool:
    """Word vectors stay as pretrained: words that training never shows keep their place among those that it does."""
    return name.startswith("embeddings.")


def train(
    rows: list[Row], *, epochs: int, seed: int, rate: float, out: Path, start: Path | None = None, log=print,
    heads: dict[str, tuple[str, ...]] | None = None, intent_share: float = 0.4, shared_share: float = 0.5,
) -> dict:
    """Trains and writes `weights.npz` (EMA of the weights) and returns them. Progress every few seconds."""
    heads = heads or head_sizes(rows)
    folder = tokens.base_model_folder()
    tokenizer = tokens.load_tokenizer()
    rng = np.random.default_rng(seed)
    whole = {name: jnp.asarray(value) for name, value in initial_params(folder, heads, seed, start).items()}
    frozen = {name: value for name, value in whole.items() if is_frozen(name)}
    params = {name: value for name, value in whole.items() if not is_frozen(name)}

    def share(row: Row) -> float:
        """Odds that an epoch sees the row: always for our own, else by how much there is of its kind."""
        if row.source.startswith("own/"):
            return 1.0
        return shared_share * min(1.0, row.weight) if row.task or row.complexity else intent_share

    weights = class_weights(rows, heads, share)

    def epoch_rows() -> list[Row]:
        return [row for row in rows if rng.random() < share(row)]

    steps_per_epoch = sum(1 for _ in batches(epoch_rows(), heads, weights, tokenizer, np.random.default_rng(0)))
    steps = steps_per_epoch * epochs

    def schedule(peak):
        return optax.warmup_cosine_decay_schedule(0.0, peak, max(1, steps // 12), steps, peak * 0.02)

    def group(tree):
        return {name: "head" if name.startswith("head.") else "body" for name in tree}

    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.multi_transform(
            {"body": optax.adamw(schedule(rate), weight_decay=0.01),
             "head": optax.adamw(schedule(1e-3 if start is None else 4e-4), weight_decay=0.01)},
            group),
    )
    state = optimizer.init(params)
    average = jax.tree.map(jnp.copy, params)

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(params, average, state, decay, ids, mask, target, weight, key):
        loss, grads = jax.value_and_grad(lambda p: loss_of({**p, **frozen}, ids, mask, target, weight, key))(params)
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        average = jax.tree.map(lambda a, p: a * decay + p * (1 - decay), average, params)
        return params, average, state, loss

    key = jax.random.key(seed)
    done, begun, spoken, recent = 0, time.time(), 0.0, []
    log(f"{len(rows)} rows, {steps_per_epoch} steps an epoch, {epochs} epochs")
    for epoch in range(epochs):
        for ids, mask, target, weight in batches(epoch_rows(), heads, weights, tokenizer, rng):
            key, sub = jax.random.split(key)
            decay = min(0.998, (1 + done) / (10 + done))
            params, average, state, loss = step(params, average, state, decay, ids, mask, target, weight, sub)
            done += 1
            recent.append(float(loss))
            if time.time() - spoken > 10:
                spoken = time.time()
                left = (spoken - begun) / done * max(0, steps - done)
                log(f"epoch {epoch + 1}/{epochs} step {done}/{steps} loss {np.mean(recent[-100:]):.3f}, {left / 60:.1f} min left")
        save(out, {**average, **frozen}, heads)
    return {name: np.asarray(value) for name, value in {**average, **frozen}.items()}


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
