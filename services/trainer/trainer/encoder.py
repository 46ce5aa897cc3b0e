"""The encoder (BERT: 384 wide, 12 heads, `shape.LAYERS` layers) in JAX, and the pooling that heads stand on."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from .shape import EPSILON, HEADS, WIDTH, layers_of

Params = dict[str, jax.Array]


def layer_norm(x: jax.Array, weight: jax.Array, bias: jax.Array) -> jax.Array:
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + EPSILON) * weight + bias


def dropout(x: jax.Array, rate: float, key: jax.Array | None) -> jax.Array:
    if key is None or rate == 0:
        return x
    # Random bytes instead of floats: on a CPU, drawing floats took a third of a training step.
    threshold = round(rate * 256)
    keep = jax.random.bits(key, x.shape, jnp.uint8) >= threshold
    return jnp.where(keep, x * (256 / (256 - threshold)), 0)


def embed(params: Params, ids: jax.Array, mask: jax.Array) -> jax.Array:
    """[rows, tokens] ids and mask → [rows, EMBEDDING]."""

    def linear(x: jax.Array, name: str) -> jax.Array:
        return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]

    def norm(x: jax.Array, name: str) -> jax.Array:
        return layer_norm(x, params[f"{name}.weight"], params[f"{name}.bias"])

    rows, tokens = ids.shape
    x = params["embeddings.word_embeddings.weight"][ids]
    x = x + params["embeddings.position_embeddings.weight"][:tokens] + params["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    bias = (1.0 - mask[:, None, None, :].astype(jnp.float32)) * -1e9
    size = WIDTH // HEADS

    def split(y: jax.Array) -> jax.Array:
        return y.reshape(rows, tokens, HEADS, size).transpose(0, 2, 1, 3)

    for index in range(layers_of(params)):
        at = f"encoder.layer.{index}"
        query, key_, value = (split(linear(x, f"{at}.attention.self.{name}")) for name in ("query", "key", "value"))
        weights = jax.nn.softmax(query @ key_.transpose(0, 1, 3, 2) / np.sqrt(size) + bias, axis=-1)
        attended = (weights @ value).transpose(0, 2, 1, 3).reshape(rows, tokens, WIDTH)
        attended = linear(attended, f"{at}.attention.output.dense")
        x = norm(x + attended, f"{at}.attention.output.LayerNorm")
        hidden = jax.nn.gelu(linear(x, f"{at}.intermediate.dense"), approximate=False)
        hidden = linear(hidden, f"{at}.output.dense")
        x = norm(x + hidden, f"{at}.output.LayerNorm")

    weight = mask[:, :, None].astype(jnp.float32)
    mean = (x * weight).sum(1) / jnp.maximum(weight.sum(1), 1)
    return jnp.concatenate([mean, x[:, 0]], axis=-1)
