"""The encoder and the heads as ONNX graphs, built operator by operator from the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .complexity_scores import ScoreTables
from .shape import EMBEDDING, EPSILON, HEADS, WIDTH, layers_of

OPSET = 17
SIZE = WIDTH // HEADS
GELU = ".gelu"
"""End of the names of nodes whose output is a GELU's, for `quantize`."""


class Graph:
    """Collects nodes and initializers; every method returns the name of the tensor it makes."""

    def __init__(self) -> None:
        self.nodes: list = []
        self.initializers: list = []
        self.count = 0

    def const(self, value: np.ndarray, name: str | None = None) -> str:
        self.count += 1
        name = name or f"c{self.count}"
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def op(self, kind: str, *inputs: str, out: str | None = None, **attributes) -> str:
        self.count += 1
        out = out or f"{kind}_{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def model(self, inputs: list, outputs: list, path: Path) -> None:
        graph = helper.make_graph(self.nodes, path.stem, inputs, outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="llm-router-trainer")
        model.ir_version = 8  # readable by the onnxruntime of older Triton images
        onnx.checker.check_model(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, str(path))


def export_encoder(params: dict[str, np.ndarray], path: Path) -> None:
    """INPUT_IDS, ATTENTION_MASK INT64 [rows, tokens] → EMBEDDING FP32 [rows, EMBEDDING]: token mean and first token."""
    g = Graph()

    def weight(name: str) -> str:
        return g.const(np.ascontiguousarray(params[f"{name}.weight"].T), f"{name}.weight_t")

    def linear(x: str, name: str) -> str:
        return g.op("Add", g.op("MatMul", x, weight(name)), g.const(params[f"{name}.bias"], f"{name}.bias"))

    def norm(x: str, name: str) -> str:
        return g.op("LayerNormalization", x, g.const(params[f"{name}.weight"], f"{name}.weight"),
                    g.const(params[f"{name}.bias"], f"{name}.bias"), axis=-1, epsilon=EPSILON)

    def residual(x: str, y: str) -> str:
        # Sum, not Add: onnxruntime fuses Add and LayerNormalization into a CPU kernel that is five times slower than both
        # (a fifth of the whole int8 encoder at 64 tokens, onnxruntime 1.32).
        return g.op("Sum", x, y)

    def product(x: str, name: str) -> str:
        return g.op("MatMul", x, weight(name))

    def split(x: str, transposed: bool = False) -> str:
        shaped = g.op("Reshape", x, g.const(np.array([0, 0, HEADS, SIZE], np.int64)))
        return g.op("Transpose", shaped, perm=[0, 2, 3, 1] if transposed else [0, 2, 1, 3])

    tokens = g.op("Gather", g.op("Shape", "INPUT_IDS"), g.const(np.array([1], np.int64)))
    positions = g.op("Slice", g.const(params["embeddings.position_embeddings.weight"], "positions"),
                     g.const(np.array([0], np.int64)), tokens, g.const(np.array([0], np.int64)))
    words = g.op("Gather", g.const(params["embeddings.word_embeddings.weight"], "words"), "INPUT_IDS")
    kinds = g.const(params["embeddings.token_type_embeddings.weight"][0], "kind")
    x = norm(g.op("Add", g.op("Add", words, positions), kinds), "embeddings.LayerNorm")

    mask = g.op("Cast", "ATTENTION_MASK", to=TensorProto.FLOAT)
    hidden_mask = g.op("Mul", g.op("Sub", g.const(np.array(1, np.float32)), mask), g.const(np.array(-1e9, np.float32)))
    bias = g.op("Unsqueeze", hidden_mask, g.const(np.array([1, 2], np.int64)))
    scale = g.const(np.array(1 / np.sqrt(SIZE), np.float32))

    for index in range(layers_of(params)):
        at = f"encoder.layer.{index}"
        query = split(linear(x, f"{at}.attention.self.query"))
        # No bias: a key's adds the same to all scores of a query, which softmax cancels; a value's passes through, and is added below.
        key = split(product(x, f"{at}.attention.self.key"), transposed=True)
        value = split(product(x, f"{at}.attention.self.value"))
        scores = g.op("Add", g.op("Mul", g.op("MatMul", query, key), scale), bias)
        attended = g.op("Transpose", g.op("MatMul", g.op("Softmax", scores, axis=-1), value), perm=[0, 2, 1, 3])
        flat = g.op("Reshape", attended, g.const(np.array([0, 0, WIDTH], np.int64)))
        dense = f"{at}.attention.output.dense"
        passed = params[f"{dense}.weight"] @ params[f"{at}.attention.self.value.bias"] + params[f"{dense}.bias"]
        attended = g.op("Add", product(flat, dense), g.const(passed, f"{dense}.bias"))
        x = norm(residual(x, attended), f"{at}.attention.output.LayerNorm")
        h = linear(x, f"{at}.intermediate.dense")
        erf = g.op("Erf", g.op("Div", h, g.const(np.array(np.sqrt(2), np.float32))))
        gelu = g.op("Mul", g.op("Mul", h, g.op("Add", erf, g.const(np.array(1, np.float32)))), g.const(np.array(0.5, np.float32)), name=at + GELU)
        x = norm(residual(x, linear(gelu, f"{at}.output.dense")), f"{at}.output.LayerNorm")

    wide = g.op("Unsqueeze", mask, g.const(np.array([2], np.int64)))
    total = g.op("ReduceSum", g.op("Mul", x, wide), g.const(np.array([1], np.int64)), keepdims=0)
    count = g.op("Max", g.op("ReduceSum", wide, g.const(np.array([1], np.int64)), keepdims=0), g.const(np.array(1, np.float32)))
    mean = g.op("Div", total, count)
    first = g.op("Gather", x, g.const(np.array(0, np.int64)), axis=1)
    g.op("Concat", mean, first, out="EMBEDDING", axis=-1)
    g.model(
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["rows", "tokens"]) for n in ("INPUT_IDS", "ATTENTION_MASK")],
        [helper.make_tensor_value_info("EMBEDDING", TensorProto.FLOAT, ["rows", EMBEDDING])],
        path,
    )


def export_head(weight: np.ndarray, bias: np.ndarray, temperature: float, path: Path, scores: ScoreTables | None = None) -> None:
    """EMBEDDING FP32 [rows, width] → OUTPUT FP32 [rows, labels], probabilities calibrated by the temperature; with
    tables, SCORES FP32 [rows, 8] as well."""
    g = Graph()
    logits = g.op("Gemm", "EMBEDDING", g.const((weight.T / temperature).astype(np.float32)), g.const((bias / temperature).astype(np.float32)))
    g.op("Softmax", logits, out="OUTPUT", axis=-1)
    outputs = [helper.make_tensor_value_info("OUTPUT", TensorProto.FLOAT, ["rows", weight.shape[0]])]
    if scores is not None:
        against = g.op("Gather", logits, g.const(np.array([scores.none], np.int64)), axis=1)
        odds = g.op("Sigmoid", g.op("Sub", logits, against))
        told = g.op("Add", g.op("MatMul", odds, g.const(scores.of_odds)), g.op("MatMul", "OUTPUT", g.const(scores.of_probability)))
        raw = g.op("Add", g.op("Gemm", "EMBEDDING", g.const(scores.of_embedding), g.const(scores.bias)), told)
        top = g.const(scores.top)
        each = g.op("Min", g.op("Max", raw, g.const(np.zeros_like(scores.top))), top)
        g.op("Min", g.op("MatMul", each, g.const(scores.mix)), top, out="SCORES")
        outputs.append(helper.make_tensor_value_info("SCORES", TensorProto.FLOAT, ["rows", len(scores.top)]))
    g.model([helper.make_tensor_value_info("EMBEDDING", TensorProto.FLOAT, ["rows", weight.shape[1]])], outputs, path)
