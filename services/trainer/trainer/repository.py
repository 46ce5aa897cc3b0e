"""Writes Triton's model repository: tokenizer, encoder, a head and an ensemble per policy.

Everything is written beside and renamed, so that a server that polls never sees half a model.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import complexity_scores, export_onnx, quantize, served, shape

MAX_TOKENS = 256
BUCKETS = served.LENGTHS
BATCH = 64

TOKENIZER = """name: "{name}"
backend: "python"
max_batch_size: {batch}
input [ {{ name: "INPUT" data_type: TYPE_STRING dims: [ 1 ] }} ]
output [
  {{ name: "INPUT_IDS" data_type: TYPE_INT64 dims: [ -1 ] }},
  {{ name: "ATTENTION_MASK" data_type: TYPE_INT64 dims: [ -1 ] }},
  {{ name: "TOKEN_COUNT" data_type: TYPE_INT32 dims: [ 1 ] }}
]
# Tokens the encoder sees; a longer text keeps head and tail.
parameters {{ key: "max_tokens" value: {{ string_value: "{max_tokens}" }} }}
# Characters that are tokenized at most, so that a megabyte can't stall the server.
parameters {{ key: "max_chars" value: {{ string_value: "16384" }} }}
# Rows of equal length go together. Close to each other: padding costs a CPU as much as text, and company saves less.
parameters {{ key: "pad_to" value: {{ string_value: "{pad_to}" }} }}
# The step of services/router-server that does the same without Python.
parameters {{ key: "router_server_implementation" value: {{ string_value: "prompt_tokenizer" }} }}
instance_group [ {{ count: 1 kind: KIND_CPU }} ]
"""

ENCODER = """name: "{name}"
backend: "onnxruntime"
max_batch_size: {batch}
input [
  {{ name: "INPUT_IDS" data_type: TYPE_INT64 dims: [ -1 ] }},
  {{ name: "ATTENTION_MASK" data_type: TYPE_INT64 dims: [ -1 ] }}
]
output [{outputs}]
{fingerprint}dynamic_batching {{ max_queue_delay_microseconds: {wait_us} }}
instance_group [ {{ count: 1 kind: KIND_AUTO }} ]
"""

HEAD = """name: "{policy}_head"
backend: "onnxruntime"
max_batch_size: {batch}
input [{inputs}]
output [
  {{ name: "OUTPUT" data_type: TYPE_FP32 dims: [ {labels} ] label_filename: "labels.txt" }}{scores}
]
{fingerprint}{batching}instance_group [ {{ count: 1 kind: KIND_CPU }} ]
"""

STATES = (export_onnx.STATES, "TYPE_FP32", f"-1, {shape.WIDTH}")
MASK = ("ATTENTION_MASK", "TYPE_INT64", "-1")

FINGERPRINT = """# {what}; router-server serves no head on another encoder.
parameters {{ key: "encoder_fingerprint" value: {{ string_value: "{value}" }} }}
"""

TENSOR = '{{ name: "{name}" data_type: {kind} dims: [ {dims} ] }}'
GATHERED = "dynamic_batching { max_queue_delay_microseconds: 0 }\n"

# Triton repeats three keys of its JSON answer for every output of an ensemble, and gives the outputs in an order of its own; v1's
# controller takes neither. So the ensemble that it asks has OUTPUT alone, and names the one that tells the rest.
ENSEMBLE = """name: "{policy}_ensemble"
platform: "ensemble"
max_batch_size: {batch}
input [ {{ name: "INPUT" data_type: TYPE_STRING dims: [ 1 ] }} ]
output [ {{ name: "OUTPUT" data_type: TYPE_FP32 dims: [ {labels} ] label_filename: "labels.txt" }} ]
# Tokens the encoder sees.
parameters {{ key: "max_tokens" value: {{ string_value: "{max_tokens}" }} }}
# The same with TOKEN_COUNT and what more the head tells; the router's controller asks it instead.
parameters {{ key: "details_model" value: {{ string_value: "{policy}_details" }} }}
ensemble_scheduling {{
  step [
    {{
      model_name: "{tokenizer}"
      model_version: -1
      input_map {{ key: "INPUT" value: "INPUT" }}
      output_map {{ key: "INPUT_IDS" value: "ids" }}
      output_map {{ key: "ATTENTION_MASK" value: "mask" }}
    }},
    {{
      model_name: "{encoder}"
      model_version: -1
      input_map {{ key: "INPUT_IDS" value: "ids" }}
      input_map {{ key: "ATTENTION_MASK" value: "mask" }}
{encoder_map}
    }},
    {{
      model_name: "{policy}_head"
      model_version: -1
{head_map}
      output_map {{ key: "OUTPUT" value: "OUTPUT" }}
    }}
  ]
}}
"""

DETAILS = """name: "{policy}_details"
platform: "ensemble"
max_batch_size: {batch}
input [ {{ name: "INPUT" data_type: TYPE_STRING dims: [ 1 ] }} ]
output [
  {{ name: "OUTPUT" data_type: TYPE_FP32 dims: [ {labels} ] label_filename: "labels.txt" }},
  {{ name: "TOKEN_COUNT" data_type: TYPE_INT32 dims: [ 1 ] }}{scores}{embedding}
]
# Tokens the encoder sees; the controller compares TOKEN_COUNT with it.
parameters {{ key: "max_tokens" value: {{ string_value: "{max_tokens}" }} }}
ensemble_scheduling {{
  step [
    {{
      model_name: "{tokenizer}"
      model_version: -1
      input_map {{ key: "INPUT" value: "INPUT" }}
      output_map {{ key: "INPUT_IDS" value: "ids" }}
      output_map {{ key: "ATTENTION_MASK" value: "mask" }}
      output_map {{ key: "TOKEN_COUNT" value: "TOKEN_COUNT" }}
    }},
    {{
      model_name: "{encoder}"
      model_version: -1
      input_map {{ key: "INPUT_IDS" value: "ids" }}
      input_map {{ key: "ATTENTION_MASK" value: "mask" }}
{encoder_map}
    }},
    {{
      model_name: "{policy}_head"
      model_version: -1
{head_map}
      output_map {{ key: "OUTPUT" value: "OUTPUT" }}{score_map}
    }}
  ]
}}
"""


def _tensors(*tensors: tuple[str, str, str]) -> str:
    """Inputs or outputs (name, type, dims) between their brackets: one on the line, more below each other."""
    each = [TENSOR.format(name=name, kind=kind, dims=dims) for name, kind, dims in tensors]
    return f" {each[0]} " if len(each) == 1 else "\n  " + ",\n  ".join(each) + "\n"


def _maps(kind: str, **tensors: str) -> str:
    """Lines of a step's map: the model's name of a tensor → the ensemble's."""
    return "\n".join(f'      {kind}_map {{ key: "{key}" value: "{value}" }}' for key, value in tensors.items())


KINDS = ("head", "details", "ensemble")
"""Models of a policy, by what follows its name."""


class Staged:
    """A model folder written under a dot name, which no server looks at, and renamed when it is whole."""

    def __init__(self, repository: Path, name: str, version: str = "1") -> None:
        self.target = repository / name
        self.folder = repository / f".new-{name}"
        self.version = version

    def __enter__(self) -> Path:
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / self.version).mkdir(parents=True)
        return self.folder

    def __exit__(self, kind, *_rest) -> None:
        if kind is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        old = self.target.with_name(f".old-{self.target.name}")
        shutil.rmtree(old, ignore_errors=True)
        if self.target.exists():
            self.target.rename(old)
        self.folder.rename(self.target)
        shutil.rmtree(old, ignore_errors=True)


def next_version(repository: Path, policy: str) -> str:
    """One above what the policy has: routers keep decisions by version, and those of the head before are not the new one's."""
    there = [int(path.name) for kind in KINDS for path in (repository / f"{policy}_{kind}").glob("*") if path.name.isdigit()]
    return str(max(there, default=0) + 1)


def tokenizer_config(name: str = "prompt_tokenizer", buckets: tuple[int, ...] = BUCKETS) -> str:
    """config.pbtxt of a tokenizer step; the last bucket is the most tokens it gives."""
    return TOKENIZER.format(name=name, batch=BATCH, max_tokens=buckets[-1], pad_to=",".join(map(str, buckets)))


def write_tokenizer(repository: Path, content: str) -> Path:
    """The tokenizer step with this tokenizer.json, whose path is returned; its model.py (Triton's side) is kept as it is."""
    folder = repository / "prompt_tokenizer"
    (folder / "1").mkdir(parents=True, exist_ok=True)
    for path, text in ((folder / "1" / "tokenizer.json", content), (folder / "config.pbtxt", tokenizer_config())):
        partial = path.with_name(f".{path.name}")
        partial.write_text(text, encoding="utf-8")
        partial.rename(path)
    return folder / "1" / "tokenizer.json"


def stage_encoder(work: Path, params: dict[str, np.ndarray]) -> Path:
    """Exports to the work folder: fp32, and from it the int8 graph that servers load, whose path is returned."""
    work.mkdir(parents=True, exist_ok=True)
    plain, small = work / "prompt_encoder.fp32.onnx", work / "prompt_encoder.int8.onnx"
    export_onnx.export_encoder(params, plain)
    quantize.to_int8(plain, small)
    return small


def gives_states(graph: Path) -> bool:
    """Whether an encoder's graph has HIDDEN_STATES, which policies with layers of their own read; converted ones have not."""
    import onnx

    return any(output.name == export_onnx.STATES for output in onnx.load(str(graph)).graph.output)


def fingerprint_of(repository: Path, encoder: str = "prompt_encoder") -> str | None:
    """What names the weights of an installed encoder, in whatever precision; None where it has no such name."""
    config = repository / encoder / "config.pbtxt"
    found = re.search(r'key: "encoder_fingerprint" value: { string_value: "([^"]+)"', config.read_text(encoding="utf-8")) if config.is_file() else None
    return found and found[1]


AGENTS = "agent_temperature"
"""Parameter by which the router's controller divides the logits of what agents ask."""


def agent_temperature(repository: Path, policy: str) -> float:
    """1 where the policy's configuration has none."""
    config = repository / f"{policy}_ensemble" / "config.pbtxt"
    found = re.search(AGENTS + r'" value: { string_value: "([^"]+)"', config.read_text(encoding="utf-8")) if config.is_file() else None
    return float(found[1]) if found else 1.0


def tell_agents(repository: Path, policy: str, temperature: float) -> None:
    """Puts it into the configurations of the policy's models in place of what stood there; 1: takes it out."""
    for kind in KINDS:
        path = repository / f"{policy}_{kind}" / "config.pbtxt"
        lines = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if AGENTS not in line]
        if temperature != 1:
            lines.append(f"# {AGENTS}: what the router's controller divides the logits of agents' requests by.\n")
            lines.append(f'parameters {{ key: "{AGENTS}" value: {{ string_value: "{temperature:.3f}" }} }}\n')
        partial = path.with_name(f".{path.name}")
        partial.write_text("".join(lines), encoding="utf-8")
        partial.rename(path)


def _fingerprint(what: str, value: str | None) -> str:
    return FINGERPRINT.format(what=what, value=value) if value else ""


def install_encoder(
    repository: Path, graph: Path, name: str = "prompt_encoder", width: int = shape.EMBEDDING, fingerprint: str | None = None, wait_us: int = 0,
) -> None:
    """Puts an exported graph into the repository. fingerprint: of the weights; the graph's own digest where none is given. wait_us: how long
    a lone row waits for company, in microseconds. On a CPU what comes while the encoder computes is company enough.
    """
    value = fingerprint or hashlib.sha256(graph.read_bytes()).hexdigest()[:16]
    with Staged(repository, name) as folder:
        told = _fingerprint("Its weights", value)
        outputs = _tensors(("EMBEDDING", "TYPE_FP32", str(width)), *([STATES] if gives_states(graph) else []))
        (folder / "config.pbtxt").write_text(ENCODER.format(name=name, batch=BATCH, outputs=outputs, fingerprint=told, wait_us=wait_us), encoding="utf-8")
        shutil.copyfile(graph, folder / "1" / "model.onnx")


def write_policy(
    repository: Path, policy: str, names: tuple[str, ...], weight: np.ndarray, bias: np.ndarray, temperature: float,
    readings: complexity_scores.Readings | None = None, encoder: str = "prompt_encoder", version: str = "1",
) -> None:
    """Head and ensembles of one policy, from a linear head; with readings of the dimensions it gives SCORES, too."""
    scores = complexity_scores.tables(names, readings) if readings else None
    write_head(
        repository, policy, names, weight.shape[1], lambda path: export_onnx.export_head(weight, bias, temperature, path, scores),
        scores=complexity_scores.NAMES if scores else (), encoder=encoder, version=version,
    )


def write_head(
    repository: Path, policy: str, names: tuple[str, ...], width: int, export: Callable[[Path], None], *,
    scores: tuple[str, ...] = (), encoder: str = "prompt_encoder", tokenizer: str = "prompt_tokenizer", max_tokens: int = MAX_TOKENS,
    parameters: dict[str, str] | None = None, embedding: bool = False, own_layers: bool = False, version: str = "1",
) -> None:
    """Head and ensembles of one policy; the head first, so that they find it. `export` writes the head's graph.

    scores: names of SCORES, where the graph gives them. parameters: further ones for all three configurations. embedding: the details
    tell what the encoder made of the text, too, and of which encoder it is. own_layers: the graph reads HIDDEN_STATES and ATTENTION_MASK
    in place of EMBEDDING. version: of all three models.
    """
    reads = (STATES, MASK) if own_layers else (("EMBEDDING", "TYPE_FP32", str(width)),)
    known = fingerprint_of(repository, encoder)
    if embedding and known:
        parameters = {**(parameters or {}), "embedding_of": known}
    more = "".join(f"parameters {{ key: {json.dumps(key)} value: {{ string_value: {json.dumps(value)} }} }}\n" for key, value in (parameters or {}).items())
    fill = {
        "policy": policy, "batch": BATCH, "width": width, "labels": len(names), "max_tokens": max_tokens, "encoder": encoder,
        "tokenizer": tokenizer, "fingerprint": _fingerprint("The encoder that it was trained on", known),
        "scores": f',\n  {{ name: "SCORES" data_type: TYPE_FP32 dims: [ {len(scores)} ] label_filename: "scores.txt" }}' if scores else "",
        "embedding": f',\n  {{ name: "EMBEDDING" data_type: TYPE_FP32 dims: [ {width} ] }}' if embedding else "",
        "inputs": _tensors(*reads), "batching": GATHERED if own_layers else "",
        "score_map": '\n      output_map { key: "SCORES" value: "SCORES" }' if scores else "",
    }
    for kind, template in zip(KINDS, (HEAD, DETAILS, ENSEMBLE)):
        with Staged(repository, f"{policy}_{kind}", version) as folder:
            # What the details tell has its own name in them.
            embedding_name = "EMBEDDING" if embedding and kind == "details" else "embedding"
            read = {"HIDDEN_STATES": "states"} if own_layers else {"EMBEDDING": embedding_name}
            masks = {"ATTENTION_MASK": "mask"} if own_layers else {}
            maps = {"encoder_map": _maps("output", **read), "head_map": _maps("input", **read, **masks)}
            (folder / "config.pbtxt").write_text(template.format(**fill, **maps) + more)
            (folder / "labels.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
            if scores and kind != "ensemble":
                (folder / "scores.txt").write_text("\n".join(scores) + "\n", encoding="utf-8")
            if kind == "head":
                export(folder / version / "model.onnx")
            else:
                # Triton wants a version folder; git keeps none that is empty.
                (folder / version / ".keep").write_text("")
