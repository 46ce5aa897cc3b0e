"""`convert`: nvidia/prompt-task-and-complexity-classifier (Hugging Face layout) into the router's repository layout.

The folder holds config.json (target_sizes, task_type_map, weights_map, divisor_map), model.safetensors or pytorch_model.bin, and
tokenizer.json. The policies it makes are nvidia_task_router and nvidia_complexity_router, beside the router's own.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import complexity_scores, labels, nvidia_graph, quantize, repository
from .nvidia_graph import Dimension, Shape

TOKENIZER, ENCODER = "nvidia_tokenizer", "nvidia_encoder"
BUCKETS = (32, 64, 128, 256, 512)

SHARES = {
    "creativity_scope": 0.35, "reasoning": 0.25, "constraint_ct": 0.15, "domain_knowledge": 0.15, "contextual_knowledge": 0.05,
    "number_of_few_shots": 0.05, "no_label_reason": 0.0,
}
"""NVIDIA's weights of prompt_complexity_score."""

LABEL_OF = {
    "creativity_scope": "Creativity", "reasoning": "Reasoning", "contextual_knowledge": "Contextual-Knowledge",
    "number_of_few_shots": "Few-Shot", "domain_knowledge": "Domain-Knowledge", "no_label_reason": "No-Label-Reason", "constraint_ct": "Constraint",
}


class BadSource(Exception):
    """The folder can't be converted; the message is for the user."""


def read_config(folder: Path) -> dict:
    """config.json, with the parts checked that the conversion needs."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise BadSource(f"{folder / 'config.json'}: {error}") from None
    for key in ("target_sizes", "task_type_map", "weights_map", "divisor_map"):
        if not isinstance(config.get(key), dict):
            raise BadSource(f"{folder / 'config.json'}: no '{key}'; is this nvidia/prompt-task-and-complexity-classifier?")
    missing = [name for name in ("task_type", *LABEL_OF) if name not in config["target_sizes"]]
    if missing:
        raise BadSource(f"{folder / 'config.json'}: target_sizes lacks {', '.join(missing)}")
    return config


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """The checkpoint's tensors as float32."""
    plain, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    if plain.is_file():
        from safetensors.numpy import load_file

        return {name: value.astype(np.float32) for name, value in load_file(str(plain)).items() if value.dtype.kind == "f"}
    if pickled.is_file():
        try:
            import torch
        except ImportError:
            raise BadSource(f"{pickled} needs PyTorch to be read: pip install torch, or download model.safetensors instead") from None
        loaded = torch.load(pickled, map_location="cpu", weights_only=True)
        return {name: value.float().numpy() for name, value in loaded.items() if value.is_floating_point()}
    raise BadSource(f"{folder}: neither model.safetensors nor pytorch_model.bin")


def convert(source: Path, target: Path, *, fp16: bool = False, log=print) -> None:
    """Writes tokenizer, encoder, heads and ensembles into the repository `target`; each beside, then renamed."""
    config, weights = read_config(source), read_weights(source)
    if not (source / "tokenizer.json").is_file():
        raise BadSource(f"{source}: no tokenizer.json; save the tokenizer with AutoTokenizer(..., use_fast=True).save_pretrained")
    backbone = {name.removeprefix("backbone."): value for name, value in weights.items() if name.startswith("backbone.")}
    if "encoder.rel_embeddings.weight" not in backbone:
        raise BadSource(f"{source}: no backbone.encoder.rel_embeddings.weight; want a DeBERTa-v3 backbone")
    inner = config.get("backbone_config", config)
    shape = Shape(
        heads=inner.get("num_attention_heads", 12), positions=inner.get("max_position_embeddings", 512),
        buckets=inner.get("position_buckets", backbone["encoder.rel_embeddings.weight"].shape[0] // 2), epsilon=inner.get("layer_norm_eps", 1e-7),
    )
    head = {name: (weights[f"head_{i}.fc.weight"], weights[f"head_{i}.fc.bias"]) for i, name in enumerate(config["target_sizes"])}
    order = task_order(config["task_type_map"])
    buckets = tuple(n for n in BUCKETS if n < shape.positions) + (shape.positions,)

    with tempfile.TemporaryDirectory() as work:
        graph = Path(work) / "encoder.onnx"
        width = nvidia_graph.export_encoder(backbone, shape, graph)
        log(f"encoder: {nvidia_graph.layers(backbone)} layers, width {width}, {graph.stat().st_size / 1e6:.0f} MB")
        if fp16:
            half = Path(work) / "encoder.fp16.onnx"
            quantize.to_fp16(graph, half)
            graph = half
        with repository.Staged(target, TOKENIZER) as folder:
            (folder / "config.pbtxt").write_text(repository.tokenizer_config(TOKENIZER, buckets))
            shutil.copyfile(source / "tokenizer.json", folder / "1" / "tokenizer.json")
            code = target / "prompt_tokenizer" / "1" / "model.py"
            if code.is_file():
                shutil.copyfile(code, folder / "1" / "model.py")
        repository.install_encoder(target, graph, ENCODER, width)
    common = {"encoder": ENCODER, "tokenizer": TOKENIZER, "max_tokens": shape.positions}
    repository.write_head(
        target, "nvidia_task_router", labels.TASK, width, lambda path: nvidia_graph.export_task_head(*head["task_type"], order, path), **common)
    dimension_of = {label: name for name, label in LABEL_OF.items()}
    names = [dimension_of[label] for label in labels.COMPLEXITY]
    dimensions = [
        Dimension(*head[name], np.array(config["weights_map"][name], np.float32), float(config["divisor_map"][name]), SHARES[name],
                  name == "number_of_few_shots") for name in names
    ]
    repository.write_head(
        target, "nvidia_complexity_router", labels.COMPLEXITY, width, lambda path: nvidia_graph.export_complexity_head(dimensions, path),
        scores=complexity_scores.NAMES, **common)
    log(f"wrote {TOKENIZER}, {ENCODER}, nvidia_task_router and nvidia_complexity_router into {target}")


def task_order(mapping: dict[str, str]) -> list[int]:
    """NVIDIA's class numbers in the order of our labels. Raises BadSource where the two name different tasks."""
    by_name = {"".join(c for c in name.lower() if c.isalnum()): int(index) for index, name in mapping.items()}
    order = [by_name.get("".join(c for c in name.lower() if c.isalnum())) for name in labels.TASK]
    if None in order or len(mapping) != len(labels.TASK):
        raise BadSource(f"task_type_map has {', '.join(mapping.values())}; want {', '.join(labels.TASK)}")
    return [index for index in order if index is not None]


def main(arguments) -> int:
    """The command: exit code 2 and a message on stderr for what the user can mend."""
    try:
        convert(arguments.source, arguments.repository, fp16=arguments.fp16)
    except BadSource as error:
        print(f"convert: {error}\nNothing was changed.", file=sys.stderr)
        return 2
    return 0
