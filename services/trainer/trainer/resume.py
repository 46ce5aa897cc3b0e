"""The weights of a model repository as trainable ones, so that training goes on from what is served.

int8 weights come back within half a step of their scale, which the first training steps outweigh.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import labels
from .served import newest
from .shape import WIDTH, layers_of

Weights = dict[str, np.ndarray]


def constants(path: Path) -> Weights:
    """A graph's constants as float32, by name, of whatever precision; dynamically quantized ones under the name they had before."""
    import onnx
    from onnx import numpy_helper

    raw = {item.name: numpy_helper.to_array(item) for item in onnx.load(str(path)).graph.initializer}
    out = {}
    for name, value in raw.items():
        base = name.removesuffix("_quantized")
        if base != name:
            # One scale for each column (the graph's products are x @ W) or row, or one for all.
            out[base] = (value.astype(np.float32) - raw.get(f"{base}_zero_point", np.float32(0)).astype(np.float32)) * raw[f"{base}_scale"]
        elif value.dtype in (np.float32, np.float16) and not name.endswith("_scale"):
            out[name] = value.astype(np.float32)
    return out


def encoder_params(graph: Path) -> Weights:
    """The encoder's weights by their Hugging Face names, from a graph that `export_onnx.export_encoder` wrote."""
    renamed = {"words": "embeddings.word_embeddings.weight", "positions": "embeddings.position_embeddings.weight"}
    out = {}
    for name, value in constants(graph).items():
        if name.endswith(".weight_t"):
            out[name.removesuffix("_t")] = np.ascontiguousarray(value.T)
        elif name == "kind":
            # Prompts are all of the first kind; the graph holds no other.
            out["embeddings.token_type_embeddings.weight"] = value[None]
        elif name in renamed or name.startswith(("encoder.", "embeddings.")):
            out[renamed.get(name, name)] = value
    for layer in range(layers_of(out)):
        for part in ("key", "value"):
            # The graph holds none: `export_onnx` folds them into what follows.
            out.setdefault(f"encoder.layer.{layer}.attention.self.{part}.bias", np.zeros(WIDTH, np.float32))
    return out


def head_params(folder: Path, column: str, count: int) -> Weights:
    """A head's weights; its temperature stays in them."""
    found = constants(newest(folder))
    weight = next(value for value in found.values() if value.ndim == 2 and value.shape[1] == count and value.shape[0] > count)
    bias = next(value for value in found.values() if value.shape == (count,))
    return {f"head.{column}.weight": np.ascontiguousarray(weight.T), f"head.{column}.bias": bias}


def params(repository: Path, base: Weights, heads: dict[str, tuple[str, ...]]) -> Weights:
    """Encoder and heads of a repository. What comes before the layers is frozen in training: it stays the base model's, exact.

    heads: column → labels; a repository whose label files differ is refused.
    """
    layers = {name: value for name, value in encoder_params(newest(repository / "prompt_encoder")).items() if name.startswith("encoder.")}
    out = {**base, **layers}
    for column, names in heads.items():
        folder = repository / f"{labels.POLICIES[column]}_head"
        if (folder / "labels.txt").read_text(encoding="utf-8").splitlines() != list(names):
            raise SystemExit(f"{folder} was trained for other labels")
        out |= head_params(folder, column, len(names))
    return out
