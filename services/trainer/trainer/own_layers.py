"""The last layers of the encoder with pooling and head, forward and backward in NumPy: what `policy` trains for a policy's own.

By hand, as two layers are little to differentiate, and a library that does it would weigh more than all else that `policy` needs (JAX
.4 GB, PyTorch 3 GB). Weights are a dict of arrays: `6.qkv.weight` [WIDTH, 3·WIDTH], `6.qkv.bias` …, `head.weight` [EMBEDDING, labels].

Products are taken of values that are rounded as `quantize.to_int8` rounds them, weights and activations, and the gradient passes the
rounding as if it were not there: so the served int8 layers answer as the trained ones do (else they lose two points).
"""

from __future__ import annotations

import numpy as np
from scipy.special import erf

from .quantize import LEVELS, LOWEST_GELU, STEPS
from .shape import EPSILON, HEADS, OWN_LAYERS, WIDTH, layers_of

Arrays = dict[str, np.ndarray]

SIZE = WIDTH // HEADS
SCALE = np.float32(SIZE**-0.5)
MATRICES = {"dense": "attention.output.dense", "wide": "intermediate.dense", "narrow": "output.dense"}
NORMS = {"attended": "attention.output.LayerNorm", "out": "output.LayerNorm"}
PARTS = ("query", "key", "value")


def from_encoder(params: Arrays, first: int) -> Arrays:
    """The layers from `first` on, of weights by their Hugging Face names."""
    out: Arrays = {}
    for index in sorted({int(name.split(".")[2]) for name in params if name.startswith("encoder.layer.")}):
        if index < first:
            continue
        at = f"encoder.layer.{index}"
        out[f"{index}.qkv.weight"] = np.concatenate([params[f"{at}.attention.self.{part}.weight"] for part in PARTS]).T
        out[f"{index}.qkv.bias"] = np.concatenate([params[f"{at}.attention.self.{part}.bias"] for part in PARTS])
        for short, name in MATRICES.items():
            out[f"{index}.{short}.weight"], out[f"{index}.{short}.bias"] = params[f"{at}.{name}.weight"].T, params[f"{at}.{name}.bias"]
        for short, name in NORMS.items():
            out[f"{index}.{short}.weight"], out[f"{index}.{short}.bias"] = params[f"{at}.{name}.weight"], params[f"{at}.{name}.bias"]
    return {name: np.array(value, np.float32, order="C") for name, value in out.items()}


def layers_before(params: Arrays) -> int:
    """How many layers the encoder keeps when a policy brings the last ones itself."""
    return layers_of(params) - OWN_LAYERS


def to_encoder(weights: Arrays) -> Arrays:
    """The way back, without the head."""
    out: Arrays = {}
    for index in layers(weights):
        at = f"encoder.layer.{index}"
        for number, part in enumerate(PARTS):
            rows = slice(number * WIDTH, (number + 1) * WIDTH)
            out[f"{at}.attention.self.{part}.weight"] = np.ascontiguousarray(weights[f"{index}.qkv.weight"][:, rows].T)
            out[f"{at}.attention.self.{part}.bias"] = weights[f"{index}.qkv.bias"][rows]
        for short, name in MATRICES.items():
            out[f"{at}.{name}.weight"] = np.ascontiguousarray(weights[f"{index}.{short}.weight"].T)
            out[f"{at}.{name}.bias"] = weights[f"{index}.{short}.bias"]
        for short, name in NORMS.items():
            out[f"{at}.{name}.weight"], out[f"{at}.{name}.bias"] = weights[f"{index}.{short}.weight"], weights[f"{index}.{short}.bias"]
    return out


def layers(weights: Arrays) -> list[int]:
    return sorted({int(name.split(".")[0]) for name in weights if not name.startswith("head.")})


def rounded_weights(weights: Arrays) -> Arrays:
    """The layers' matrices as int8 holds them, one scale for each output column; the rest as it is."""
    out = dict(weights)
    for name, value in weights.items():
        if value.ndim == 2 and not name.startswith("head."):
            scale = np.maximum(np.abs(value).max(0), 1e-12) / np.float32(LEVELS)
            out[name] = np.rint(value / scale)
            out[name] *= scale
    return out


def _rounded(x: np.ndarray, is_gelu: bool = False) -> np.ndarray:
    """Activations as int8 holds them, one scale for each token [.., 1]."""
    high = x.max(-1, keepdims=True)
    bound = np.maximum(high, np.float32(LOWEST_GELU)) if is_gelu else np.maximum(np.maximum(high, -x.min(-1, keepdims=True)), np.float32(1e-9))
    out = x * (np.float32(STEPS) / bound)
    np.rint(out, out=out)
    out *= bound / np.float32(STEPS)
    return out


def _norm(x: np.ndarray, weights: Arrays, name: str) -> tuple[np.ndarray, tuple]:
    """x [n, WIDTH] is overwritten."""
    x -= x.mean(-1, keepdims=True)
    inverse = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)
    x *= inverse
    return x * weights[f"{name}.weight"] + weights[f"{name}.bias"], (x, inverse)


def _norm_back(d: np.ndarray, weights: Arrays, name: str, kept: tuple, grads: Arrays) -> np.ndarray:
    unit, inverse = kept
    grads[f"{name}.weight"], grads[f"{name}.bias"] = (d * unit).sum(0), d.sum(0)
    d = d * weights[f"{name}.weight"]
    return (d - d.mean(-1, keepdims=True) - unit * (d * unit).mean(-1, keepdims=True)) * inverse


def _linear(x: np.ndarray, weights: Arrays, name: str) -> np.ndarray:
    out = x @ weights[f"{name}.weight"]
    out += weights[f"{name}.bias"]
    return out


def _linear_back(d: np.ndarray, x: np.ndarray, weights: Arrays, name: str, grads: Arrays) -> np.ndarray:
    grads[f"{name}.weight"], grads[f"{name}.bias"] = x.T @ d, d.sum(0)
    return d @ weights[f"{name}.weight"].T


def _attend(x: np.ndarray, hidden: np.ndarray, weights: Arrays, at: int) -> tuple[np.ndarray, tuple]:
    """x [rows · tokens, WIDTH] rounded, hidden [rows, 1, 1, tokens] added to the scores → the same shape, before the dense product."""
    rows, tokens = hidden.shape[0], hidden.shape[-1]
    query, key, value = _linear(x, weights, f"{at}.qkv").reshape(rows, tokens, 3, HEADS, SIZE).transpose(2, 0, 3, 1, 4)
    share = query @ key.transpose(0, 1, 3, 2)
    share *= SCALE
    share += hidden
    share -= share.max(-1, keepdims=True)
    np.exp(share, out=share)
    share /= share.sum(-1, keepdims=True)
    return (share @ value).transpose(0, 2, 1, 3).reshape(-1, WIDTH), (query, key, value, share)


def _attend_back(d: np.ndarray, kept: tuple) -> np.ndarray:
    """Gradient of the attended [rows · tokens, WIDTH] → that of queries, keys and values [rows · tokens, 3 · WIDTH]."""
    query, key, value, share = kept
    rows, _, tokens, _ = query.shape
    d = d.reshape(rows, tokens, HEADS, SIZE).transpose(0, 2, 1, 3)
    scores = d @ value.transpose(0, 1, 3, 2)
    scores -= (scores * share).sum(-1, keepdims=True)
    scores *= share
    scores *= SCALE
    out = np.empty((rows, tokens, 3, HEADS, SIZE), d.dtype)
    for number, part in enumerate((scores @ key, scores.transpose(0, 1, 3, 2) @ query, share.transpose(0, 1, 3, 2) @ d)):
        out[:, :, number] = part.transpose(0, 2, 1, 3)
    return out.reshape(-1, 3 * WIDTH)


def forward(weights: Arrays, states: np.ndarray, mask: np.ndarray, is_rounded: bool = True) -> tuple[np.ndarray, list]:
    """states [rows, tokens, WIDTH], mask [rows, tokens] → the embedding [rows, EMBEDDING], and what `backward` needs.

    weights: as `rounded_weights` gives them, where is_rounded.
    """
    rounded = _rounded if is_rounded else lambda x, is_gelu=False: x
    rows, tokens, _ = states.shape
    hidden = ((1 - mask) * np.float32(-1e9)).astype(states.dtype)[:, None, None, :]
    x, kept = states.reshape(-1, WIDTH), []
    for at in layers(weights):
        seen = rounded(x)
        attended, attention = _attend(seen, hidden, weights, at)
        dense = rounded(attended)
        y, first = _norm(x + _linear(dense, weights, f"{at}.dense"), weights, f"{at}.attended")
        middle = rounded(y)
        wide = _linear(middle, weights, f"{at}.wide")
        share = erf(wide * np.float32(2**-0.5))
        share += 1
        share *= np.float32(0.5)
        gelu = rounded(wide * share, True)
        x, second = _norm(y + _linear(gelu, weights, f"{at}.narrow"), weights, f"{at}.out")
        kept.append((seen, attention, dense, first, middle, wide, share, gelu, second))
    x = x.reshape(rows, tokens, WIDTH)
    inside = mask[:, :, None].astype(states.dtype)
    count = inside.sum(1)
    return np.concatenate([(x * inside).sum(1) / count, x[:, 0]], -1), [kept, inside / count[:, None]]


def gradients(
    weights: Arrays, states: np.ndarray, mask: np.ndarray, wanted: np.ndarray, of: int, stays: np.ndarray,
) -> tuple[float, Arrays, np.ndarray]:
    """Loss of some rows of a step of `of` rows, its gradients, and that of the states.

    weights: as `rounded_weights` gives them; states [rows, tokens, WIDTH], mask [rows, tokens], wanted [rows, labels] (shares of labels),
    stays [rows, EMBEDDING] (what dropout multiplies with).
    """
    embedding, kept = forward(weights, states, mask)
    dropped = embedding * stays
    logits = dropped @ weights["head.weight"] + weights["head.bias"]
    logits -= logits.max(1, keepdims=True)
    share = np.exp(logits)
    total = share.sum(1, keepdims=True)
    loss = -(wanted * (logits - np.log(total))).sum() / of
    d = (share / total - wanted) / np.float32(of)
    grads = {"head.weight": dropped.T @ d, "head.bias": d.sum(0)}
    more, slope = backward(weights, (d @ weights["head.weight"].T) * stays, kept)
    return float(loss), grads | more, slope


def backward(weights: Arrays, d: np.ndarray, kept: list) -> tuple[Arrays, np.ndarray]:
    """Gradient of the embedding [rows, EMBEDDING] → gradients of the layers' weights, and of the states."""
    every, share_of_mean = kept
    grads: Arrays = {}
    x = share_of_mean * d[:, None, :WIDTH]
    x[:, 0] += d[:, WIDTH:]
    x = x.reshape(-1, WIDTH)
    for at, (seen, attention, dense, first, middle, wide, share, gelu, second) in zip(reversed(layers(weights)), reversed(every)):
        x = _norm_back(x, weights, f"{at}.out", second, grads)
        steep = wide * wide
        steep *= np.float32(-0.5)
        np.exp(steep, out=steep)
        steep *= wide
        steep *= np.float32((2 * np.pi) ** -0.5)
        steep += share
        steep *= _linear_back(x, gelu, weights, f"{at}.narrow", grads)
        x = _norm_back(x + _linear_back(steep, middle, weights, f"{at}.wide", grads), weights, f"{at}.attended", first, grads)
        through = _attend_back(_linear_back(x, dense, weights, f"{at}.dense", grads), attention)
        x = x + _linear_back(through, seen, weights, f"{at}.qkv", grads)
        # Keys' biases change nothing, values' pass through to the dense product's: the served graph has neither.
        grads[f"{at}.qkv.bias"][WIDTH:] = 0
    return grads, x.reshape(*share_of_mean.shape[:2], WIDTH)
