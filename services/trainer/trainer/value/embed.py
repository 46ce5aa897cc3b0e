"""Embeddings of prompts by the repository's encoder, kept by encoder and text, so that a second run costs nothing."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from ..served import Encoder, newest

CHUNK = 2_000
"""Prompts after which what is done is kept."""


def fingerprint(repository: Path, encoder: str = "prompt_encoder") -> str:
    """SHA-256 of the encoder's graph: embeddings of another precision are others, too."""
    return hashlib.sha256(newest(repository / encoder).read_bytes()).hexdigest()


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def embeddings(repository: Path, texts: list[str], cache: Path | None, log=lambda _: None) -> np.ndarray:
    """[texts, width]. cache: folder for a file per encoder and tokenizer; None keeps nothing. Texts are not kept, their hashes are."""
    tokenizer = (repository / "prompt_tokenizer" / "1" / "tokenizer.json").read_bytes()
    file = None if cache is None else cache / f"{fingerprint(repository)[:16]}-{hashlib.sha256(tokenizer).hexdigest()[:8]}.npz"
    keys = [_key(text) for text in texts]
    known: dict[str, np.ndarray] = {}
    if file is not None and file.is_file():
        with np.load(file) as stored:
            known = dict(zip(stored["keys"].tolist(), stored["vectors"]))
    missing = [i for i in dict(zip(keys, range(len(keys)))).values() if keys[i] not in known]
    if missing:
        log(f"reading {len(missing):,} prompts with the shared encoder" + (f" ({len(texts) - len(missing):,} are known)" if len(missing) < len(texts) else ""))
        encoder = Encoder(repository)
        for at in range(0, len(missing), CHUNK):
            some = missing[at: at + CHUNK]
            vectors = encoder.embeddings([texts[i] for i in some], progress=lambda done, _of, at=at: log(f"encoder: {at + done:,} of {len(missing):,} prompts"))
            known.update({keys[i]: vector for i, vector in zip(some, vectors)})
            if file is not None:
                _keep(file, known)
    return np.stack([known[key] for key in keys]).astype(np.float32) if keys else np.zeros((0, 0), np.float32)


def _keep(file: Path, known: dict[str, np.ndarray]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{os.getpid()}-{file.name}")
    with partial.open("wb") as stream:
        np.savez(stream, keys=np.array(list(known)), vectors=np.stack(list(known.values())).astype(np.float32))
    os.replace(partial, file)
