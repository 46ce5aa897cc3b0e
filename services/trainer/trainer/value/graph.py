"""A fitted value head as one ONNX graph: EMBEDDING → OUTPUT (P of each target) and SCORES (familiarity, expected tokens)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from ..export_onnx import Graph
from ..served import newest
from .calibration import HIGH, LOW, Calibrated
from .familiarity import LEVELS, UNFAMILIAR, Familiarity
from .kernel import Kernel
from .parts import Blend, Clusters, Constant, LabelTable, Part


def export(p: Calibrated, familiarity: Familiarity, tokens: np.ndarray, repository: Path, path: Path) -> None:
    """tokens: expected output tokens, [targets]. Label heads that a part looks at are copied from the repository."""
    g = Graph()
    raw = _part(g, p.part, repository)
    mixed = g.op("Gemm", raw, g.const(p.mix.astype(np.float32)), g.const(p.bias.astype(np.float32)))
    clipped = g.op("Clip", mixed, g.const(np.array(LOW, np.float32)), g.const(np.array(HIGH, np.float32)))
    familiar = _familiarity(g, familiarity)
    trust = g.op("Min", g.op("Mul", familiar, g.const(np.array(1 / UNFAMILIAR, np.float32))), g.const(np.array(1, np.float32)))
    mean = g.const(p.mean[None].astype(np.float32))
    g.op("Add", mean, g.op("Mul", trust, g.op("Sub", clipped, mean)), out="OUTPUT")
    # The same for every prompt, once a row.
    zeros = g.op("Mul", familiar, g.const(np.zeros((1, len(tokens)), np.float32)))
    lengths = g.op("Add", zeros, g.const(tokens[None].astype(np.float32)))
    g.op("Concat", familiar, lengths, out="SCORES", axis=1)
    width = len(familiarity.near.origin)
    g.model(
        [helper.make_tensor_value_info("EMBEDDING", TensorProto.FLOAT, ["rows", width])],
        [
            helper.make_tensor_value_info("OUTPUT", TensorProto.FLOAT, ["rows", len(tokens)]),
            helper.make_tensor_value_info("SCORES", TensorProto.FLOAT, ["rows", 1 + len(tokens)]),
        ],
        path,
    )


def _part(g: Graph, part: Part, repository: Path) -> str:
    """Name of the tensor [rows, targets]."""
    if isinstance(part, Kernel):
        place = g.op("MatMul", _unit(g), g.const(part.basis))
        # exp(−d²) with d² = |a|² + |b|² − 2ab
        constant = -(part.landmarks.astype(np.float64) ** 2).sum(1)
        near = g.op("Gemm", place, g.const(np.ascontiguousarray(2 * part.landmarks.T)), g.const(constant.astype(np.float32)))
        exponent = g.op("Sub", near, g.op("ReduceSumSquare", place, axes=[1], keepdims=1))
        return g.op("Gemm", g.op("Exp", exponent), g.const(np.ascontiguousarray(part.weight.T)), g.const(part.bias))
    if isinstance(part, Clusters):
        index = g.op("ArgMin", _squared(g, part.centres), axis=1, keepdims=0)
        return g.op("Gather", g.const(part.cells.astype(np.float32)), index, axis=0)
    if isinstance(part, LabelTable):
        index = g.op("ArgMax", _label_head(g, repository, part.policy), axis=1, keepdims=0)
        return g.op("Gather", g.const(part.cells.astype(np.float32)), index, axis=0)
    if isinstance(part, Blend):
        used = [(share, each) for share, each in zip(part.shares, part.parts) if share > 0]
        return g.op("Sum", *[g.op("Mul", _part(g, each, repository), g.const(np.array(share, np.float32))) for share, each in used])
    if isinstance(part, Constant):
        width = g.op("ReduceMean", "EMBEDDING", axes=[1], keepdims=1)
        zeros = g.op("Mul", width, g.const(np.zeros((1, len(part.mean)), np.float32)))
        return g.op("Add", zeros, g.const(part.mean[None].astype(np.float32)))
    raise TypeError(f"no graph for {type(part).__name__}")


def _unit(g: Graph) -> str:
    length = g.op("ReduceL2", "EMBEDDING", axes=[1], keepdims=1)
    return g.op("Div", "EMBEDDING", g.op("Max", length, g.const(np.array(1e-9, np.float32))))


def _squared(g: Graph, centres: np.ndarray) -> str:
    """Squared distances of unit rows to the centres, [rows, centres]."""
    constant = (1 + (centres.astype(np.float64) ** 2).sum(1)).astype(np.float32)
    return g.op("Gemm", _unit(g), g.const(np.ascontiguousarray(-2 * centres.T)), g.const(constant))


def _familiarity(g: Graph, f: Familiarity) -> str:
    """[rows, 1]"""
    near = f.near
    z = g.op("Sub", "EMBEDDING", g.const(near.origin[None]))
    whole = g.op("Mul", g.op("ReduceSumSquare", z, axes=[1], keepdims=1), g.const(np.array(near.rest, np.float32)))
    known = g.op("ReduceSumSquare", g.op("MatMul", z, g.const(near.basis)), axes=[1], keepdims=1)
    centre = g.op("ReduceMin", g.op("Gemm", z, g.const(near.cross), g.const(near.constant)), axes=[1], keepdims=1)
    low = _level(g, g.op("Add", g.op("Sub", whole, known), centre), f.near_knots)
    if f.apart is not None:
        side = g.op("Gemm", "EMBEDDING", g.const(f.apart.weight[:, None]), g.const(np.array([f.apart.bias], np.float32)))
        low = g.op("Min", low, _level(g, side, f.apart_knots))
    return _level(g, g.op("Neg", low), f.knots)


def _level(g: Graph, value: str, knots: np.ndarray) -> str:
    """[rows, 1]: LEVELS at the knots and straight lines between them, as a sum of ramps."""
    start, span = knots[:-1], np.maximum(np.diff(knots), 1e-7)
    ramp = g.op("Clip", g.op("Div", g.op("Sub", value, g.const(start[None])), g.const(span[None])),
                g.const(np.array(0, np.float32)), g.const(np.array(1, np.float32)))
    fallen = g.op("MatMul", ramp, g.const((-np.diff(LEVELS))[:, None].astype(np.float32)))
    return g.op("Sub", g.const(np.array(LEVELS[0], np.float32)), fallen)


def _label_head(g: Graph, repository: Path, policy: str) -> str:
    """The nodes of a label policy's head, under names of their own. Name of its OUTPUT."""
    graph = onnx.load(str(newest(repository / f"{policy}_head"))).graph
    prefix = f"{policy}/"

    def renamed(name: str) -> str:
        return name if name in ("EMBEDDING", "") else prefix + name

    for initializer in graph.initializer:
        copy = onnx.TensorProto()
        copy.CopyFrom(initializer)
        copy.name = renamed(copy.name)
        g.initializers.append(copy)
    for node in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = prefix + node.name if node.name else ""
        copy.input[:] = [renamed(name) for name in node.input]
        copy.output[:] = [renamed(name) for name in node.output]
        g.nodes.append(copy)
    return prefix + "OUTPUT"
