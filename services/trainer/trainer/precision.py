"""`precision`: a repository's encoder in another number format. GPUs have no use for dynamic int8; fp16 is theirs.

Free of JAX and of the base model: an image build runs it with onnx and onnxruntime alone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from . import export_onnx, quantize, repository, resume
from .served import newest

GPU_WAIT_US = 500
"""A GPU takes a full batch in the time of one row, so a row waits for company there."""


def write(folder: Path, to: str) -> None:
    """Replaces the encoder of a repository by the same one in `fp16` or `fp32`, beside and renamed."""
    weights = resume.encoder_params(newest(folder / "prompt_encoder"))
    with tempfile.TemporaryDirectory() as work:
        plain, half = Path(work) / "fp32.onnx", Path(work) / "fp16.onnx"
        export_onnx.export_encoder(weights, plain)
        if to == "fp16":
            quantize.to_fp16(plain, half)
        # The same weights: heads that were trained on them stay theirs.
        graph, wait = (half, GPU_WAIT_US) if to == "fp16" else (plain, 0)
        repository.install_encoder(folder, graph, fingerprint=repository.fingerprint_of(folder), wait_us=wait)


def main(arguments) -> int:
    write(arguments.repository, arguments.to)
    print(f"{arguments.repository / 'prompt_encoder'} is {arguments.to} now")
    return 0
