"""The encoder and the heads as ONNX graphs, built operator by operator from the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .complexity_scores import ScoreTables
from .shape import EMBEDDING, EPSILON, HEADS, OWN_LAYERS, WIDTH, layers_of

OPSET = 17
SIZE = WIDTH // HEADS
STATES = "HIDDEN_STATES"
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
        write(model, path)


def write(model: onnx.ModelProto, path: Path) -> None:
    """Checks a graph and writes it; made into bytes once for both, of an encoder that is most of the work."""
    whole = model.SerializeToString()
    onnx.checker.check_model(whole)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole)


class Layers(Graph):
    """Operators of the encoder, by the weights' Hugging Face names."""

    def __init__(self, params: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.params = params

    def weight(self, name: str) -> str:
        return self.const(np.ascontiguousarray(self.params[f"{name}.weight"].T), f"{name}.weight_t")

    def linear(self, x: str, name: str) -> str:
        return self.op("Add", self.op("MatMul", x, self.weight(name)), self.const(self.params[f"{name}.bias"], f"{name}.bias"))

    def norm(self, x: str, name: str, out: str | None = None) -> str:
        return self.op("LayerNormalization", x, self.const(self.params[f"{name}.weight"], f"{name}.weight"),
                       self.const(self.params[f"{name}.bias"], f"{name}.bias"), out=out, axis=-1, epsilon=EPSILON)

    def residual(self, x: str, y: str) -> str:
        # Sum, not Add: onnxruntime fuses Add and LayerNormalization into a CPU kernel that is five times slower than both
        # (a fifth of the whole int8 encoder at 64 tokens, onnxruntime 1.32).
        return self.op("Sum", x, y)

    def product(self, x: str, name: str) -> str:
        return self.op("MatMul", x, self.weight(name))

    def split(self, x: str, transposed: bool = False) -> str:
        shaped = self.op("Reshape", x, self.const(np.array([0, 0, HEADS, SIZE], np.int64)))
        return self.op("Transpose", shaped, perm=[0, 2, 3, 1] if transposed else [0, 2, 1, 3])

    def masks(self) -> tuple[str, str]:
        """Of ATTENTION_MASK: 1 for a token [rows, tokens], and what is added to the scores of attention."""
        mask = self.op("Cast", "ATTENTION_MASK", to=TensorProto.FLOAT)
        hidden = self.op("Mul", self.op("Sub", self.const(np.array(1, np.float32)), mask), self.const(np.array(-1e9, np.float32)))
        return mask, self.op("Unsqueeze", hidden, self.const(np.array([1, 2], np.int64)))

    def layer(self, index: int, x: str, bias: str, scale: str, out: str | None = None) -> str:
        """[rows, tokens, WIDTH] → the same after one layer."""
        at = f"encoder.layer.{index}"
        query = self.split(self.linear(x, f"{at}.attention.self.query"))
        # No bias: a key's adds the same to all scores of a query, which softmax cancels; a value's passes through, and is added below.
        key = self.split(self.product(x, f"{at}.attention.self.key"), transposed=True)
        value = self.split(self.product(x, f"{at}.attention.self.value"))
        scores = self.op("Add", self.op("Mul", self.op("MatMul", query, key), scale), bias)
        attended = self.op("Transpose", self.op("MatMul", self.op("Softmax", scores, axis=-1), value), perm=[0, 2, 1, 3])
        flat = self.op("Reshape", attended, self.const(np.array([0, 0, WIDTH], np.int64)))
        dense = f"{at}.attention.output.dense"
        passed = self.params[f"{dense}.weight"] @ self.params[f"{at}.attention.self.value.bias"] + self.params[f"{dense}.bias"]
        attended = self.op("Add", self.product(flat, dense), self.const(passed, f"{dense}.bias"))
        x = self.norm(self.residual(x, attended), f"{at}.attention.output.LayerNorm")
        h = self.linear(x, f"{at}.intermediate.dense")
        erf = self.op("Erf", self.op("Div", h, self.const(np.array(np.sqrt(2), np.float32))))
        gelu = self.op("Mul", self.op("Mul", h, self.op("Add", erf, self.const(np.array(1, np.float32)))), self.const(np.array(0.5, np.float32)), name=at + GELU)
        return self.norm(self.residual(x, self.linear(gelu, f"{at}.output.dense")), f"{at}.output.LayerNorm", out)

    def pool(self, x: str, mask: str, out: str | None = None) -> str:
        """[rows, tokens, WIDTH] → [rows, EMBEDDING]: mean of the tokens and the first one."""
        wide = self.op("Unsqueeze", mask, self.const(np.array([2], np.int64)))
        total = self.op("ReduceSum", self.op("Mul", x, wide), self.const(np.array([1], np.int64)), keepdims=0)
        tokens = self.op("ReduceSum", wide, self.const(np.array([1], np.int64)), keepdims=0)
        count = self.op("Max", tokens, self.const(np.array(1, np.float32)))
        mean = self.op("Div", total, count)
        first = self.op("Gather", x, self.const(np.array(0, np.int64)), axis=1)
        return self.op("Concat", mean, first, out=out, axis=-1)

    def scale(self) -> str:
        return self.const(np.array(1 / np.sqrt(SIZE), np.float32))


def export_encoder(params: dict[str, np.ndarray], path: Path) -> None:
    """INPUT_IDS, ATTENTION_MASK INT64 [rows, tokens] → EMBEDDING FP32 [rows, EMBEDDING]: token mean and first token; and HIDDEN_STATES
    FP32 [rows, tokens, WIDTH] before the last OWN_LAYERS layers, for policies that bring these themselves.
    """
    g = Layers(params)
    tokens = g.op("Gather", g.op("Shape", "INPUT_IDS"), g.const(np.array([1], np.int64)))
    positions = g.op("Slice", g.const(params["embeddings.position_embeddings.weight"], "positions"),
                     g.const(np.array([0], np.int64)), tokens, g.const(np.array([0], np.int64)))
    words = g.op("Gather", g.const(params["embeddings.word_embeddings.weight"], "words"), "INPUT_IDS")
    kinds = g.const(params["embeddings.token_type_embeddings.weight"][0], "kind")
    x = g.norm(g.op("Add", g.op("Add", words, positions), kinds), "embeddings.LayerNorm")
    mask, bias = g.masks()
    scale = g.scale()
    count = layers_of(params)
    for index in range(count):
        x = g.layer(index, x, bias, scale, out=STATES if index == count - OWN_LAYERS - 1 else None)
    g.pool(x, mask, out="EMBEDDING")
    g.model(
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["rows", "tokens"]) for n in ("INPUT_IDS", "ATTENTION_MASK")],
        [helper.make_tensor_value_info("EMBEDDING", TensorProto.FLOAT, ["rows", EMBEDDING]), _states_info()],
        path,
    )


def _states_info():
    return helper.make_tensor_value_info(STATES, TensorProto.FLOAT, ["rows", "tokens", WIDTH])


def export_own_layers(params: dict[str, np.ndarray], weight: np.ndarray, bias: np.ndarray, temperature: float, path: Path) -> None:
    """HIDDEN_STATES FP32 [rows, tokens, WIDTH], ATTENTION_MASK INT64 [rows, tokens] → OUTPUT FP32 [rows, labels]: a policy's own last
    layers and its head, probabilities calibrated by the temperature.

    params: `encoder.layer.N.*` of the layers, whatever N they have in the encoder; weight [labels, EMBEDDING], bias [labels].
    """
    g = Layers(params)
    mask, bias_of_scores = g.masks()
    scale = g.scale()
    x = STATES
    for index in sorted({int(name.split(".")[2]) for name in params}):
        x = g.layer(index, x, bias_of_scores, scale)
    _probabilities(g, g.pool(x, mask), weight, bias, temperature)
    g.model(
        [_states_info(), helper.make_tensor_value_info("ATTENTION_MASK", TensorProto.INT64, ["rows", "tokens"])],
        [helper.make_tensor_value_info("OUTPUT", TensorProto.FLOAT, ["rows", weight.shape[0]])],
        path,
    )


def _probabilities(g: Graph, embedding: str, weight: np.ndarray, bias: np.ndarray, temperature: float) -> str:
    """OUTPUT of an embedding. @returns the name of the logits."""
    logits = g.op("Gemm", embedding, g.const((weight.T / temperature).astype(np.float32)), g.const((bias / temperature).astype(np.float32)))
    g.op("Softmax", logits, out="OUTPUT", axis=-1)
    return logits


def export_head(weight: np.ndarray, bias: np.ndarray, temperature: float, path: Path, scores: ScoreTables | None = None) -> None:
    """EMBEDDING FP32 [rows, width] → OUTPUT FP32 [rows, labels], probabilities calibrated by the temperature; with
    tables, SCORES FP32 [rows, 8] as well."""
    g = Graph()
    logits = _probabilities(g, "EMBEDDING", weight, bias, temperature)
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
