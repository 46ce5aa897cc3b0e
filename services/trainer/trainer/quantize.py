"""Smaller encodings of an exported encoder: int8 for CPUs (this one is committed), fp16 for GPUs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import export_onnx

LEVELS = 63
"""Of weights, to each side: 7 of the 8 bits. Products of full ones overflow the 16-bit sums of CPUs without VNNI (before 2019)."""
STEPS, ZERO = 127, 128
"""Of activations, to each side, and where their zero lies in uint8."""
LOWEST_GELU = 0.17
"""GELU gives nothing below its negative, so its outputs need no look for their minimum; they are four times as wide as the rest."""

CONTRIB = "com.microsoft"
"""The domain of onnxruntime's own operators, which Triton's backend and router-server both have."""


def to_int8(source: Path, target: Path) -> None:
    """int8 weights, one scale for each output column (and for each word vector); activations one scale for each token.

    A scale for the whole batch, which onnxruntime's own dynamic quantization takes, lets a text's answer depend on what comes with
    it: up to .15 of probability. Each token by itself costs little more and is nearer to fp32 besides.
    """
    model = onnx.load(str(source))
    constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    rewritten = _Rewriter(constants, gelus={node.output[0] for node in model.graph.node if node.name.endswith(export_onnx.GELU)})
    for node in model.graph.node:
        if node.op_type == "MatMul" and constants.get(node.input[1], np.zeros(0)).ndim == 2:
            rewritten.product(node)
        elif node.op_type == "Gather" and constants.get(node.input[0], np.zeros(0)).ndim == 2:
            rewritten.rows(node)
        else:
            rewritten.nodes.append(node)
    used = {name for node in rewritten.nodes for name in node.input}
    kept = [item for item in [*model.graph.initializer, *rewritten.initializers] if item.name in used]
    graph = helper.make_graph(rewritten.nodes, model.graph.name, model.graph.input, model.graph.output, kept)
    opsets = [*model.opset_import, helper.make_opsetid(CONTRIB, 1)]
    small = helper.make_model(graph, opset_imports=opsets, producer_name=model.producer_name)
    small.ir_version = model.ir_version
    export_onnx.write(small, target)


class _Rewriter:
    """Nodes and constants of the smaller graph. Quantized constants keep their names, with a suffix (see `resume`)."""

    def __init__(self, constants: dict[str, np.ndarray], gelus: set[str]) -> None:
        self.constants, self.gelus = constants, gelus
        self.nodes: list = []
        self.initializers: list = []
        self.inputs: dict[str, tuple[str, str]] = {}
        self.const("q_zero", np.array(ZERO, np.uint8))
        self.const("q_step", np.array(1 / STEPS, np.float32))
        self.const("q_least", np.array(1e-9, np.float32))
        self.const("q_gelu", np.array(LOWEST_GELU, np.float32))
        self.const("q_int8_zero", np.array(0, np.int8))

    def const(self, name: str, value: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def op(self, kind: str, *inputs: str, out: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def weights(self, name: str, axis: int) -> tuple[str, str]:
        """int8 constant and float scale of a matrix, one scale along `axis`."""
        value = self.constants[name]
        scale = np.maximum(np.abs(value).max(axis=1 - axis, keepdims=True), 1e-12) / LEVELS
        whole = np.clip(np.round(value / scale), -LEVELS, LEVELS).astype(np.int8)
        self.const(f"{name}_quantized", whole)
        self.const(f"{name}_zero_point", np.array(0, np.int8))
        return f"{name}_quantized", self.const(f"{name}_scale", scale.astype(np.float32) if axis == 0 else scale[0].astype(np.float32))

    def quantized(self, x: str) -> tuple[str, str]:
        """uint8 [.., width] of an activation and its tokens' scales [.., 1]; once for all products that take it."""
        if x not in self.inputs:
            high = self.op("ReduceMax", x, out=f"{x}_high", axes=[-1], keepdims=1)
            if x in self.gelus:
                bound = self.op("Max", high, "q_gelu", out=f"{x}_bound")
            else:
                low = self.op("ReduceMin", x, out=f"{x}_low", axes=[-1], keepdims=1)
                bound = self.op("Max", high, self.op("Neg", low, out=f"{x}_down"), "q_least", out=f"{x}_bound")
            unit = self.op("Div", x, bound, out=f"{x}_unit")
            self.inputs[x] = self.op("QuantizeLinear", unit, "q_step", "q_zero", out=f"{x}_q"), bound
        return self.inputs[x]

    def product(self, node) -> None:
        """x @ W in integers, the tokens' scales put back after."""
        whole, bound = self.quantized(node.input[0])
        weight, scale = self.weights(node.input[1], 1)
        out = node.output[0]
        # onnxruntime's own operator: MatMulInteger, Cast and Mul in one pass over the sums.
        inputs = [whole, weight, "q_step", scale, "q_zero", f"{node.input[1]}_zero_point"]
        self.nodes.append(helper.make_node("MatMulIntegerToFloat", inputs, [f"{out}_unit"], domain=CONTRIB))
        self.op("Mul", f"{out}_unit", bound, out=out)

    def rows(self, node) -> None:
        """Rows of a table, such as word vectors."""
        weight, scale = self.weights(node.input[0], 0)
        out = node.output[0]
        whole = self.op("Gather", weight, node.input[1], out=f"{out}_whole")
        plain = self.op("Cast", whole, out=f"{out}_plain", to=TensorProto.FLOAT)
        self.op("Mul", plain, self.op("Gather", scale, node.input[1], out=f"{out}_scales"), out=out)


def to_fp16(source: Path, target: Path) -> None:
    """Half precision for GPUs; inputs and outputs keep their types."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(str(source)), keep_io_types=True), str(target))
