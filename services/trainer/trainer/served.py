"""What a server would answer: the repository's own tokenizer, encoder and heads through onnxruntime.

Free of JAX: `policy` needs no more than requirements-policy.txt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort

from . import tokens

LENGTHS = (*range(8, 128, 4), *range(128, 257, 8))
"""Lengths that the tokenizer step pads to (parameter pad_to of its config.pbtxt). Close together: padding is computed like text, and on CPUs
rows gain more by less of it than by company, alone or with sixty waiting."""


def session(path: Path, threads: int = 0) -> ort.InferenceSession:
    """An onnxruntime session on the CPU, or on a GPU where onnxruntime-gpu finds one."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that spin while they wait for each other stand still on a machine that has other work (router-server does the same).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    return ort.InferenceSession(str(path), options, providers=[p for p in wanted if p in ort.get_available_providers()])


def newest(model: Path) -> Path:
    """`model.onnx` of the highest version folder, which is the one that servers load."""
    versions = [folder for folder in model.iterdir() if folder.name.isdigit()] if model.is_dir() else []
    if not versions:
        raise SystemExit(f"{model} holds no model version: is this a model repository of the router?")
    return max(versions, key=lambda folder: int(folder.name)) / "model.onnx"


EMBEDDING, STATES, MASK = "EMBEDDING", "HIDDEN_STATES", "ATTENTION_MASK"


class Encoder:
    """Texts → embeddings, or the states before the last layers, as prompt_tokenizer and prompt_encoder make them."""

    def __init__(self, repository: Path, name: str = "prompt_encoder", max_tokens: int = 256, graph: Path | None = None) -> None:
        self.tokenizer = tokens.load_tokenizer(repository / "prompt_tokenizer" / "1" / "tokenizer.json")
        self.session = session(graph or newest(repository / name))
        self.max_tokens = max_tokens

    @property
    def gives_states(self) -> bool:
        """Whether it has the output HIDDEN_STATES; converted encoders, and those of before there was any, have not."""
        return any(output.name == STATES for output in self.session.get_outputs())

    def embeddings(self, texts: list[str], batch: int = 16, progress: Callable[[int, int], None] | None = None) -> np.ndarray:
        """[texts, width]. Texts of like length go together; progress hears (done, all) every few seconds."""
        out: list = [None] * len(texts)
        for members, (embedding,), _mask in self.batches(texts, [EMBEDDING], batch, progress):
            for i, row in zip(members, embedding):
                out[i] = row
        return np.stack(out)

    def batches(
        self, texts: list[str], outputs: list[str], batch: int = 16, progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[tuple[list[int], list[np.ndarray], np.ndarray]]:
        """(indices of texts, the outputs of these, their mask [rows, tokens]), texts of like length together."""
        sequences = tokens.encode(self.tokenizer, texts, self.max_tokens)
        order = sorted(range(len(texts)), key=lambda i: len(sequences[i]))
        spoken = time.monotonic()
        for at in range(0, len(order), batch):
            members = order[at: at + batch]
            longest = len(sequences[members[-1]])
            ids, mask = tokens.pad([sequences[i] for i in members], next((n for n in LENGTHS if n >= longest), longest))
            feeds = {"INPUT_IDS": ids.astype(np.int64), MASK: mask.astype(np.int64)}
            yield members, self.session.run(outputs, feeds), feeds[MASK]
            if progress and time.monotonic() - spoken > 3:
                spoken = time.monotonic()
                progress(at + len(members), len(texts))


class Head:
    """Embeddings → calibrated probabilities of one policy; where it has layers of its own, the states before the encoder's last ones."""

    def __init__(self, repository: Path, policy: str, graph: Path | None = None) -> None:
        folder = repository / f"{policy}_head"
        self.repository, self.policy = repository, policy
        self.session = session(graph or newest(folder), threads=1)
        self.has_layers = any(tensor.name == STATES for tensor in self.session.get_inputs())
        self.labels = tuple((folder / "labels.txt").read_text(encoding="utf-8").splitlines())

    @property
    def agent_temperature(self) -> float:
        """What the router divides the logits of agents' requests by (`agents`)."""
        from .repository import agent_temperature

        return agent_temperature(self.repository, self.policy)

    def run(self, embeddings: np.ndarray) -> np.ndarray:
        """[texts, labels]"""
        return self.session.run(["OUTPUT"], {"EMBEDDING": embeddings.astype(np.float32)})[0]

    def probabilities(
        self, encoder: Encoder, texts: list[str], batch: int = 16, progress: Callable[[int, int], None] | None = None,
    ) -> np.ndarray:
        """[texts, labels], whatever it reads of the encoder."""
        out = np.zeros((len(texts), self.session.get_outputs()[0].shape[1]), np.float32)
        for members, (seen,), mask in encoder.batches(texts, [STATES if self.has_layers else EMBEDDING], batch, progress):
            feeds = {STATES: seen, MASK: mask} if self.has_layers else {EMBEDDING: seen}
            out[members] = self.session.run(["OUTPUT"], feeds)[0]
        return out

    def scores(self, embeddings: np.ndarray) -> np.ndarray:
        """[texts, 8]: SCORES of complexity_router."""
        return self.session.run(["SCORES"], {"EMBEDDING": embeddings.astype(np.float32)})[0]
