"""The training step in JAX: the reference, and what the trainer's environment has."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .batches import EVEN, Batch
from .encoder import dropout, embed
from .loss import CLIP, DROPOUT, HEAD_WEIGHT, SMOOTHING, WEIGHT_DECAY, ema_decay, is_frozen


def loss_of(params, ids, mask, target, weight, key):
    """The loss of one batch; a key turns dropout on."""
    embedding = dropout(embed(params, ids, mask), DROPOUT, key)
    total = 0.0
    for column, gold in target.items():
        logits = embedding @ params[f"head.{column}.weight"].T + params[f"head.{column}.bias"]
        size = logits.shape[-1]
        soft = jax.nn.one_hot(gold, size) * (1 - SMOOTHING) + SMOOTHING / size
        soft = jnp.where((gold == EVEN)[:, None], 1 / size, soft)
        losses = optax.softmax_cross_entropy(logits, soft)
        # Divided by the batch's rows, not its labelled rows: a lone label must not count as a whole batch.
        total += HEAD_WEIGHT.get(column, 1.0) * (losses * weight[column]).sum() / gold.shape[0]
    return total


def _groups(tree: dict) -> dict[str, str]:
    return {name: "head" if name.startswith("head.") else "body" for name in tree}


_adamw = optax.inject_hyperparams(optax.adamw)
OPTIMIZER = optax.chain(
    optax.clip_by_global_norm(CLIP),
    optax.multi_transform({name: _adamw(learning_rate=0.0, weight_decay=WEIGHT_DECAY) for name in ("body", "head")}, _groups),
)


@partial(jax.jit, donate_argnums=(0, 1, 2))
def _step(params, average, moments, frozen, decay, ids, mask, target, weight, key):
    loss, grads = jax.value_and_grad(lambda p: loss_of({**p, **frozen}, ids, mask, target, weight, key))(params)
    updates, moments = OPTIMIZER.update(grads, moments, params)
    params = optax.apply_updates(params, updates)
    average = jax.tree.map(lambda a, p: a * decay + p * (1 - decay), average, params)
    return params, average, moments, loss


_embed = jax.jit(embed)


class Engine:
    """Weights, their running average and AdamW's moments."""

    fixed_shapes = True
    """Each shape of a batch compiles once."""

    def __init__(self, params: dict[str, np.ndarray], seed: int) -> None:
        whole = {name: jnp.asarray(value) for name, value in params.items()}
        self.frozen = {name: value for name, value in whole.items() if is_frozen(name)}
        self.params = {name: value for name, value in whole.items() if not is_frozen(name)}
        self.average = jax.tree.map(jnp.copy, self.params)
        self.moments = OPTIMIZER.init(self.params)
        self.key = jax.random.key(seed)
        self.done = 0

    def step(self, batch: Batch, body_rate: float, head_rate: float) -> float:
        """One update at these rates. @returns the loss before it."""
        for name, rate in (("body", body_rate), ("head", head_rate)):
            self.moments[1].inner_states[name].inner_state.hyperparams["learning_rate"] = jnp.asarray(rate, jnp.float32)
        key = jax.random.fold_in(self.key, self.done)
        self.params, self.average, self.moments, loss = _step(
            self.params, self.average, self.moments, self.frozen, ema_decay(self.done), batch.ids, batch.mask, batch.target, batch.weight, key)
        self.done += 1
        return float(loss)

    def embeddings(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """[rows, EMBEDDING] with the averaged weights."""
        body = {name: value for name, value in {**self.average, **self.frozen}.items() if not name.startswith("head.")}
        return np.asarray(_embed(body, ids, mask))

    def weights(self) -> dict[str, np.ndarray]:
        """The averaged weights, with what stayed frozen."""
        return {name: np.asarray(value) for name, value in {**self.frozen, **self.average}.items()}

    def state(self) -> dict[str, np.ndarray]:
        """Everything that `restore` needs to go on, without the frozen part."""
        leaves = jax.tree.leaves((self.params, self.average, self.moments))
        return {"done": np.array(self.done), **{f"{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        leaves, shape = jax.tree.flatten((self.params, self.average, self.moments))
        self.params, self.average, self.moments = jax.tree.unflatten(shape, [jnp.asarray(state[f"{i}"]) for i in range(len(leaves))])
        self.done = int(state["done"])
