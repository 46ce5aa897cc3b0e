"""DeBERTa-v3 in plain numpy, pair by pair, written from the paper and independent of the graph it checks."""

import math

import numpy as np


def log_bucket(distance, buckets, positions):
    """One distance → one bucket."""
    middle = buckets // 2
    size = abs(distance)
    if size <= middle:
        return distance
    far = math.ceil(math.log(size / middle) / math.log((positions - 1) / middle) * (middle - 1)) + middle
    return far if distance > 0 else -far


def norm(x, weight, bias, epsilon):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + epsilon) * weight + bias


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def embed(p, ids, heads, buckets, positions, epsilon):
    """One row without padding: [tokens] ids → [width], the mean of the last layer."""
    def layer_norm(x, name):
        return norm(x, p[f"{name}.weight"], p[f"{name}.bias"], epsilon)

    def linear(x, name):
        return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]

    x = layer_norm(p["embeddings.word_embeddings.weight"][ids].astype(np.float64), "embeddings.LayerNorm")
    relative = layer_norm(p["encoder.rel_embeddings.weight"].astype(np.float64), "encoder.LayerNorm")
    count, width = x.shape
    size = width // heads
    layer = 0
    while f"encoder.layer.{layer}.output.dense.weight" in p:
        at = f"encoder.layer.{layer}"
        q, k, v = (linear(x, f"{at}.attention.self.{n}_proj") for n in ("query", "key", "value"))
        rq, rk = (linear(relative, f"{at}.attention.self.{n}_proj") for n in ("query", "key"))
        out = np.zeros_like(x)
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            for i in range(count):
                scores = np.zeros(count)
                for j in range(count):
                    forth = min(max(log_bucket(i - j, buckets, positions) + buckets, 0), 2 * buckets - 1)
                    back = min(max(-log_bucket(j - i, buckets, positions) + buckets, 0), 2 * buckets - 1)
                    scores[j] = q[i, part] @ k[j, part] + q[i, part] @ rk[forth, part] + k[j, part] @ rq[back, part]
                scores /= math.sqrt(3 * size)
                weight = np.exp(scores - scores.max())
                out[i, part] = (weight / weight.sum()) @ v[:, part]
        x = layer_norm(linear(out, f"{at}.attention.output.dense") + x, f"{at}.attention.output.LayerNorm")
        x = layer_norm(linear(gelu(linear(x, f"{at}.intermediate.dense")), f"{at}.output.dense") + x, f"{at}.output.LayerNorm")
        layer += 1
    return x.mean(0)


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()
