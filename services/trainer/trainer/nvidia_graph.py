"""DeBERTa-v2/v3 (disentangled attention) and NVIDIA's classification heads as ONNX graphs, from Hugging Face weights.

He, Gao, Chen: DeBERTaV3 (2021). Only what the v3 checkpoints use is here: shared position keys, log buckets, no convolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from .export_onnx import Graph


@dataclass(frozen=True)
class Shape:
    """What the weights alone don't tell; the defaults are DeBERTa-v3-base's."""

    heads: int = 12
    positions: int = 512
    buckets: int = 256
    epsilon: float = 1e-7


def bucket_of(distance: np.ndarray, buckets: int, positions: int) -> np.ndarray:
    """Near distances keep their own bucket, far ones share logarithmic ones; sign kept."""
    middle = buckets // 2
    size = np.abs(distance)
    far = np.maximum(size, middle)
    log = np.ceil(np.log(far / middle) / math.log((positions - 1) / middle) * (middle - 1)) + middle
    return np.where(size <= middle, distance, np.sign(distance) * log).astype(np.int64)


def export_encoder(params: dict[str, np.ndarray], shape: Shape, path: Path) -> int:
    """INPUT_IDS, ATTENTION_MASK INT64 [rows, tokens] → EMBEDDING FP32 [rows, width], the masked mean. Returns the width.

    params: names of a Hugging Face DebertaV2Model, without a prefix.
    """
    g = Graph()
    width = params["embeddings.word_embeddings.weight"].shape[1]
    size = width // shape.heads
    span = shape.buckets
    scale = math.sqrt(size * 3)  # content to content, content to position, position to content

    def linear(x: str, name: str) -> str:
        product = g.op("MatMul", x, g.const(np.ascontiguousarray(params[f"{name}.weight"].T)))
        return g.op("Add", product, g.const(params[f"{name}.bias"]))

    def norm(x: str, name: str) -> str:
        return g.op("LayerNormalization", x, g.const(params[f"{name}.weight"]), g.const(params[f"{name}.bias"]), axis=-1, epsilon=shape.epsilon)

    def split(x: str, transposed: bool = False) -> str:
        shaped = g.op("Reshape", x, g.const(np.array([0, 0, shape.heads, size], np.int64)))
        return g.op("Transpose", shaped, perm=[0, 2, 3, 1] if transposed else [0, 2, 1, 3])

    mask = g.op("Cast", "ATTENTION_MASK", to=TensorProto.FLOAT)
    wide = g.op("Unsqueeze", mask, g.const(np.array([2], np.int64)))
    x = g.op("Mul", norm(g.op("Gather", g.const(params["embeddings.word_embeddings.weight"], "words"), "INPUT_IDS"), "embeddings.LayerNorm"), wide)

    # [tokens, tokens] buckets of query minus key, looked up by distance.
    count = g.op("Squeeze", g.op("Gather", g.op("Shape", "INPUT_IDS"), g.const(np.array([1], np.int64))))
    steps = g.op("Range", g.const(np.array(0, np.int64)), count, g.const(np.array(1, np.int64)))
    column, line = (g.op("Unsqueeze", steps, g.const(np.array([axis], np.int64))) for axis in (1, 0))
    distance = g.op("Add", g.op("Sub", column, line), g.const(np.array(shape.positions - 1, np.int64)))
    table = bucket_of(np.arange(-shape.positions + 1, shape.positions), span, shape.positions)
    lookup = g.const(np.clip(table + span, 0, 2 * span - 1))
    index = g.op("Unsqueeze", g.op("Gather", lookup, distance), g.const(np.array([0, 1], np.int64)))
    pair_mask = g.op("Mul", g.op("Unsqueeze", mask, g.const(np.array([1, 2], np.int64))), g.op("Unsqueeze", mask, g.const(np.array([1, 3], np.int64))))
    hidden = g.op("Mul", g.op("Sub", g.const(np.array(1, np.float32)), pair_mask), g.const(np.array(-1e4, np.float32)))

    weights = params["encoder.rel_embeddings.weight"][: 2 * span]
    if "encoder.LayerNorm.weight" in params:
        mean, variance = weights.mean(-1, keepdims=True), weights.var(-1, keepdims=True)
        weights = (weights - mean) / np.sqrt(variance + shape.epsilon) * params["encoder.LayerNorm.weight"] + params["encoder.LayerNorm.bias"]

    def position(name: str) -> str:
        """[heads, size, 2 span]: a layer's projection of the relative positions is constant."""
        projected = weights @ params[f"{name}.weight"].T + params[f"{name}.bias"]
        return g.const(np.ascontiguousarray(projected.reshape(2 * span, shape.heads, size).transpose(1, 2, 0)).astype(np.float32))

    for layer in range(layers(params)):
        at = f"encoder.layer.{layer}"
        own = f"{at}.attention.self"
        query, key, value = split(linear(x, f"{own}.query_proj")), linear(x, f"{own}.key_proj"), split(linear(x, f"{own}.value_proj"))
        content = g.op("MatMul", query, split(key, transposed=True))
        everywhere = g.op("Expand", index, g.op("Shape", content))
        to_position = g.op("GatherElements", g.op("MatMul", query, position(f"{own}.key_proj")), everywhere, axis=-1)
        # From the key's side the distance is read the other way round: rows are keys, and the bucket of (query - key) is wanted.
        turned = g.op("Transpose", everywhere, perm=[0, 1, 3, 2])
        from_position = g.op("GatherElements", g.op("MatMul", split(key), position(f"{own}.query_proj")), turned, axis=-1)
        total = g.op("Add", g.op("Add", content, to_position), g.op("Transpose", from_position, perm=[0, 1, 3, 2]))
        scores = g.op("Add", g.op("Mul", total, g.const(np.array(1 / scale, np.float32))), hidden)
        attention = g.op("Mul", g.op("Softmax", scores, axis=-1), pair_mask)
        merged = g.op("Transpose", g.op("MatMul", attention, value), perm=[0, 2, 1, 3])
        flat = g.op("Reshape", merged, g.const(np.array([0, 0, width], np.int64)))
        x = norm(g.op("Add", linear(flat, f"{at}.attention.output.dense"), x), f"{at}.attention.output.LayerNorm")
        h = linear(x, f"{at}.intermediate.dense")
        erf = g.op("Erf", g.op("Mul", h, g.const(np.array(1 / math.sqrt(2), np.float32))))
        gelu = g.op("Mul", g.op("Mul", h, g.op("Add", erf, g.const(np.array(1, np.float32)))), g.const(np.array(0.5, np.float32)))
        x = norm(g.op("Add", linear(gelu, f"{at}.output.dense"), x), f"{at}.output.LayerNorm")

    total = g.op("ReduceSum", g.op("Mul", x, wide), g.const(np.array([1], np.int64)), keepdims=0)
    tokens = g.op("Max", g.op("ReduceSum", wide, g.const(np.array([1], np.int64)), keepdims=0), g.const(np.array(1e-9, np.float32)))
    g.op("Div", total, tokens, out="EMBEDDING")
    g.model(
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["rows", "tokens"]) for n in ("INPUT_IDS", "ATTENTION_MASK")],
        [helper.make_tensor_value_info("EMBEDDING", TensorProto.FLOAT, ["rows", width])], path)
    return width


def layers(params: dict[str, np.ndarray]) -> int:
    """Encoder layers by the weights' names."""
    return 1 + max(int(name.split(".")[2]) for name in params if name.startswith("encoder.layer."))


def export_task_head(weight: np.ndarray, bias: np.ndarray, order: list[int], path: Path) -> None:
    """OUTPUT FP32 [rows, labels]: NVIDIA's task_type probabilities, in the order of v1's labels."""
    g = Graph()
    logits = g.op("Gemm", "EMBEDDING", g.const(np.ascontiguousarray(weight[order].T)), g.const(bias[order]))
    g.op("Softmax", logits, out="OUTPUT", axis=-1)
    g.model([helper.make_tensor_value_info("EMBEDDING", TensorProto.FLOAT, ["rows", weight.shape[1]])],
            [helper.make_tensor_value_info("OUTPUT", TensorProto.FLOAT, ["rows", len(order)])], path)


@dataclass(frozen=True)
class Dimension:
    """One of NVIDIA's seven: score = sum(softmax(head) * values) / divisor."""

    weight: np.ndarray
    bias: np.ndarray
    values: np.ndarray
    divisor: float
    share: float
    """Its weight in prompt_complexity_score."""
    is_few_shots: bool = False


FEW_SHOTS_FLOOR = 0.05
"""number_of_few_shots below it counts as none (NVIDIA's model card)."""


def export_complexity_head(dimensions: list[Dimension], path: Path) -> None:
    """SCORES FP32 [rows, 8]: prompt_complexity_score, then the dimensions in the order given. OUTPUT FP32 [rows, 7]: the
    dimensions by their own largest values, divided by their sum. A head of one class tells nothing (NVIDIA's
    no_label_reason, which therefore never won in v1): in OUTPUT such a dimension is what the others leave, the product of
    one minus each."""
    g = Graph()
    columns, scaled = [], []
    for dimension in dimensions:
        logits = g.op("Gemm", "EMBEDDING", g.const(np.ascontiguousarray(dimension.weight.T)), g.const(dimension.bias))
        values = (dimension.values / dimension.divisor).astype(np.float32)
        score = g.op("MatMul", g.op("Softmax", logits, axis=-1), g.const(values[:, None]))
        if dimension.is_few_shots:
            counted = g.op("Cast", g.op("GreaterOrEqual", score, g.const(np.array(FEW_SHOTS_FLOOR, np.float32))), to=TensorProto.FLOAT)
            score = g.op("Mul", score, counted)
        columns.append(score)
        scaled.append(g.op("Mul", score, g.const(np.array(1 / values.max(), np.float32))) if len(values) > 1 else None)
    each = g.op("Concat", *columns, axis=1)
    shares = g.const(np.array([[d.share] for d in dimensions], np.float32))
    g.op("Concat", g.op("MatMul", each, shares), each, out="SCORES", axis=1)
    one = g.const(np.array(1, np.float32))
    known = g.op("Concat", *[name for name in scaled if name], axis=1)
    left = g.op("ReduceProd", g.op("Sub", one, known), axes=[1], keepdims=1)
    positive = g.op("Max", g.op("Concat", *[name or left for name in scaled], axis=1), g.const(np.array(1e-6, np.float32)))
    g.op("Div", positive, g.op("ReduceSum", positive, g.const(np.array([1], np.int64)), keepdims=1), out="OUTPUT")
    g.model([helper.make_tensor_value_info("EMBEDDING", TensorProto.FLOAT, ["rows", dimensions[0].weight.shape[1]])],
            [helper.make_tensor_value_info("OUTPUT", TensorProto.FLOAT, ["rows", len(dimensions)]),
             helper.make_tensor_value_info("SCORES", TensorProto.FLOAT, ["rows", len(dimensions) + 1])], path)
