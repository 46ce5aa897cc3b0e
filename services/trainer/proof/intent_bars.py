"""What `policy:train` reaches on Banking77: python services/trainer/proof/intent_bars.py --folder FOLDER [--repository DIR] [--seeds N]

FOLDER holds train.jsonl and eval.jsonl (prompt, intent). The head is fitted as `policy` does it, on English examples only, and nothing is
written: accuracy on the test rows over seeds (of the search on a sample, and of ten examples a label), and on the same thirty
questions in six languages (data/examples/bank_languages.jsonl), that no head has seen. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "services" / "trainer"))

from trainer import evaluate, policy  # noqa: E402
from trainer.calibrate import fit_temperature, softmax  # noqa: E402
from trainer.served import Encoder  # noqa: E402

LANGUAGES = Path(__file__).resolve().parent.parent / "data" / "examples" / "bank_languages.jsonl"
FEW = 10


def rows(path: Path, text: str, label: str) -> list[dict]:
    # By "\n" alone: a prompt may hold other separators of lines.
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [{**row, "text": row[text], "label": row[label]} for row in found if row.get(label)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    begun = time.monotonic()
    train, test, spoken = rows(arguments.folder / "train.jsonl", "prompt", "intent"), rows(arguments.folder / "eval.jsonl", "prompt", "intent"), rows(LANGUAGES, "text", "label")
    names = tuple(sorted({row["label"] for row in train}))
    encoder = Encoder(arguments.repository)
    say = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    vectors, gold = {}, {}
    for name, part in (("train", train), ("test", test), ("languages", spoken)):
        vectors[name] = encoder.embeddings([row["text"] for row in part], progress=lambda done, of: say(f"{done:,} of {of:,}"))
        gold[name] = np.array([names.index(row["label"]) for row in part])
    seeds, few = [], []
    for seed in range(arguments.seeds):
        strength = policy.choose_strength(vectors["train"], gold["train"], len(names), seed, say)
        if not seeds or strength != seeds[-1]["strength"]:
            head = policy.fit(vectors["train"], gold["train"], len(names), strength)
        rng = np.random.default_rng(seed)
        picked = np.concatenate([rng.permutation(np.flatnonzero(gold["train"] == label))[:FEW] for label in range(len(names))])
        small = policy.fit(vectors["train"][picked], gold["train"][picked], len(names), strength)
        seeds.append({"strength": strength, "accuracy": right(head, vectors["test"], gold["test"])})
        few.append(right(small, vectors["test"], gold["test"]))
    held = np.random.default_rng(0).random(len(train)) < 0.15
    part = policy.fit(vectors["train"][~held], gold["train"][~held], len(names), seeds[0]["strength"])
    temperature = fit_temperature(part.logits(vectors["train"][held]), gold["train"][held])
    by_language = {
        lang: right(head, vectors["languages"][of], gold["languages"][of])
        for lang in dict.fromkeys(row["lang"] for row in spoken) for of in [np.array([row["lang"] == lang for row in spoken])]
    }
    found = {
        "train": len(train), "test": len(test), "labels": len(names), "seeds": seeds,
        "macro_f1": evaluate.scores(gold["test"], softmax(head.logits(vectors["test"]), temperature), names)["macro_f1"],
        "ece": evaluate.ece(gold["test"], softmax(head.logits(vectors["test"]), temperature)),
        f"{FEW}_a_label": few, "by_language": by_language, "minutes": round((time.monotonic() - begun) / 60, 1),
    }
    print(json.dumps(found))


def right(head, embeddings: np.ndarray, gold: np.ndarray) -> float:
    return round(float((head.logits(embeddings).argmax(1) == gold).mean()), 4)


if __name__ == "__main__":
    main()
