"""Smaller encodings of an exported encoder: int8 for CPUs (this one is committed), fp16 for GPUs."""

from __future__ import annotations

import logging
from pathlib import Path

import onnx


def to_int8(source: Path, target: Path) -> None:
    """Dynamic int8: weights per output channel, word vectors too; activations are measured in each call.

    Weights take 7 of the 8 bits: products of full ones overflow the 16-bit sums of CPUs without VNNI (before 2019).
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().setLevel(logging.ERROR)  # its advice to pre-process is for graphs with unknown shapes
    quantize_dynamic(
        str(source), str(target), op_types_to_quantize=["MatMul", "Gather"], per_channel=True, reduce_range=True,
        weight_type=QuantType.QInt8, extra_options={"MatMulConstBOnly": True},
    )


def to_fp16(source: Path, target: Path) -> None:
    """Half precision for GPUs; inputs and outputs keep their types."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(str(source)), keep_io_types=True), str(target))
