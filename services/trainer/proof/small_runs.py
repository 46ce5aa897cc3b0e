"""What seeds, fewer layers and distillation bring at a small budget: python services/trainer/proof/small_runs.py --variant NAME [--seed N]

Wants `python -m trainer data` to have run, and PyTorch. Trains one epoch over some 9,400 prompts of at most 96 tokens (three minutes of one
core) and writes nothing but weights in the work folder. Variants: `base` begins with the untouched encoder, as a whole training does; `cut`
with six of the served eight layers; `distil` with the same six, and the embeddings of the served encoder are a target besides the labels.
Ends with one line of JSON: how many answers are right on the held-out sets, on held-out bodies (--bodies) and on eval.jsonl's intents.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "services" / "trainer"))

from trainer import base, data, engine_torch, resume, steps, tokens, train  # noqa: E402
from trainer.shape import EMBEDDING, WIDTH  # noqa: E402

REPOSITORY = ROOT / "model_repository"
TOKENIZER = REPOSITORY / "prompt_tokenizer" / "1" / "tokenizer.json"
KEPT = (0, 1, 2, 3, 4, 7)
"""Of the served layers: the last one makes the embedding that the heads know."""
SHARES = train.Shares(own=0.33, bodies=0.45, other_languages=1.5, shared=0.08, intent=0.1)
LIMIT, RATE, AS_MUCH = 96, 1.2e-4, 2.0
"""AS_MUCH: weight of the embeddings' part of the loss."""


class Distilling(engine_torch.Engine):
    """Both halves of EMBEDDING as the teacher has them, each by its own variance, besides the labels."""

    teacher: dict[str, torch.Tensor]
    variance: torch.Tensor | None = None

    def embed(self, ids: np.ndarray, mask: np.ndarray, params=None) -> torch.Tensor:
        found = super().embed(ids, mask, params)
        if params is not None:
            with torch.no_grad():
                wanted = engine_torch.embed(self.teacher, self._put(ids).long(), self._put(mask), self.kind)
            halves = wanted.view(len(wanted), 2, WIDTH)
            now = halves.var(0).mean(-1)
            self.variance = now if self.variance is None else 0.95 * self.variance + 0.05 * now
            self.off = (((found - wanted).view_as(halves) ** 2).mean((0, 2)) / self.variance).mean()
        return found

    def beside(self) -> torch.Tensor:
        return AS_MUCH * self.off


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", choices=("base", "cut", "distil"), required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "train")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--bodies", type=Path, help="prompts made of held-out request bodies by `npm run bodies`")
    arguments = parser.parse_args()
    rows = steps.stored(arguments.work / "rows.jsonl")
    heads = train.head_sizes(rows)
    whole = base.load_params(TOKENIZER)
    served = resume.params(REPOSITORY, whole, heads)
    start = arguments.work / f"small-{arguments.variant}.npz" if arguments.variant != "base" else None
    if start:
        train.save(start, cut(served), heads)
    Distilling.teacher = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in served.items()}
    if arguments.variant == "distil":
        train.engine_named = lambda _name: Distilling
    params = train.train(
        rows, tokenizer=TOKENIZER, out=arguments.work / f"small-{arguments.variant}-{arguments.seed}.npz", budget=train.Budget(1),
        seed=arguments.seed, rate=RATE, shares=SHARES, heads=heads, start=start, engine="torch", limit=LIMIT)
    print(json.dumps({"variant": arguments.variant, "seed": arguments.seed, **right(params, heads, arguments)}))


def cut(params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The KEPT layers, numbered anew."""
    out = {name: value for name, value in params.items() if not name.startswith("encoder.")}
    for at, layer in enumerate(KEPT):
        old = f"encoder.layer.{layer}."
        out |= {f"encoder.layer.{at}.{name.removeprefix(old)}": value for name, value in params.items() if name.startswith(old)}
    return out


def right(params: dict[str, np.ndarray], heads: dict[str, tuple[str, ...]], arguments) -> dict[str, float]:
    """Share of right answers by set and head."""
    sets = {"held-out": data.held_out_rows(), "intents": [row for row in data.read_jsonl(arguments.shared / "eval.jsonl") if row.intent]}
    if arguments.bodies:
        sets["bodies"] = data.read_jsonl(arguments.bodies)
    on = {name: torch.from_numpy(np.array(value, np.float32)) for name, value in params.items()}
    found = {}
    for name, rows in sets.items():
        vectors = embeddings(on, [row.prompt for row in rows])
        for column in ("intent",) if name == "intents" else ("task", "complexity"):
            index, gold = steps.labelled(rows, column, heads[column])
            told = (vectors[index] @ params[f"head.{column}.weight"].T + params[f"head.{column}.bias"]).argmax(1)
            found[f"{name} {column}"] = round(float((told == gold).mean()), 4)
    return found


def embeddings(on: dict[str, torch.Tensor], texts: list[str]) -> np.ndarray:
    sequences = tokens.encode(tokens.load_tokenizer(TOKENIZER), texts, 256)
    order = sorted(range(len(texts)), key=lambda i: len(sequences[i]))
    out = np.zeros((len(texts), EMBEDDING), np.float32)
    for at in range(0, len(order), 32):
        members = order[at: at + 32]
        ids, mask = tokens.pad([sequences[i] for i in members], max(len(sequences[i]) for i in members))
        with torch.inference_mode():
            out[members] = engine_torch.embed(on, torch.from_numpy(ids).long(), torch.from_numpy(mask), torch.bfloat16).numpy()
    return out


if __name__ == "__main__":
    main()
