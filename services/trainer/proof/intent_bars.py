"""What `policy:train` reaches on intents: python services/trainer/proof/intent_bars.py --folder FOLDER | --everyday [--repository DIR] [--seeds N] [--policy NAME]

FOLDER holds train.jsonl and eval.jsonl (prompt, intent). The head is fitted as `policy` does it, on English examples only, and nothing is
written: accuracy on the test rows over seeds (of the search on a sample, and of ten examples a label), and on the same thirty
questions in six languages (data/examples/bank_languages.jsonl), that no head has seen. With --policy: the same figures of a policy that the
repository has, as it is served, and what a decision costs. Ends with one line of JSON.

--everyday: a hundred everyday intents (data/intents), trained in English by `policy` itself with --layers 0 and 2, asked in six languages as
int8 serves it. Prints the model card's table; .cache/train/intents.json keeps it for `card`. With --base it adds the head alone on the encoder that
training began with, to what is kept there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "services" / "trainer"))

from trainer import base, evaluate, intents, policy  # noqa: E402
from trainer import repository as models  # noqa: E402
from trainer.calibrate import fit_temperature, softmax  # noqa: E402
from trainer.cli import WORK  # noqa: E402
from trainer.served import EMBEDDING, MASK, STATES, Encoder, Head, newest, session  # noqa: E402

LANGUAGES = Path(__file__).resolve().parent.parent / "data" / "examples" / "bank_languages.jsonl"
FEW = 10


def rows(path: Path, text: str, label: str) -> list[dict]:
    # By "\n" alone: a prompt may hold other separators of lines.
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [{**row, "text": row[text], "label": row[label]} for row in found if row.get(label)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--folder", type=Path)
    what.add_argument("--everyday", action="store_true", help="the everyday intents of data/intents instead of Banking77's")
    parser.add_argument("--base", action="store_true", help="with --everyday: the same on the encoder that training begins with")
    parser.add_argument("--work", type=Path, default=WORK, help="folder that keeps the figures of --everyday for the card")
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--policy", help="measure this policy of the repository instead, e.g. intent_router")
    arguments = parser.parse_args()
    if arguments.everyday:
        kept = arguments.work / "intents.json"
        if arguments.base:
            if not kept.is_file():
                parser.error(f"--base adds to {kept}, which is missing: run --everyday first")
            with tempfile.TemporaryDirectory() as folder:
                begin(Path(folder), arguments.repository)
                found = json.loads(kept.read_text(encoding="utf-8")) | {"base": everyday(Path(folder), 0)["made"]["0"]["seeds"][0]}
        else:
            found = everyday(arguments.repository, arguments.seeds)
        arguments.work.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found), encoding="utf-8")
        print(intents.table(found))
        print(json.dumps(found))
        return
    if arguments.policy:
        print(json.dumps(served(arguments.repository, arguments.policy, arguments.folder)))
        return
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


def begin(folder: Path, like: Path) -> None:
    """A repository with the pretrained encoder in int8, and the tokenizer of another repository."""
    (folder / "prompt_tokenizer").symlink_to((like / "prompt_tokenizer").resolve())
    params = base.load_params(folder / "prompt_tokenizer" / "1" / "tokenizer.json")
    models.install_encoder(folder, models.stage_encoder(folder / "work", params))


def everyday(repository: Path, seeds: int) -> dict:
    """Figures of policies made of the English examples, on all test rows; `intents.table` reads them."""
    begun, rows = time.monotonic(), intents.read()
    found: dict = {"rows": len(intents.read(intents.TRAIN)), "made": {"0": {"seeds": []}, "2": {"seeds": []}}}
    for layers, seed in [("0", 0), *(("2", seed) for seed in range(seeds))]:
        # What is made is put beside the repository's own parts, and is gone afterwards.
        with tempfile.TemporaryDirectory() as folder:
            for part in ("prompt_tokenizer", "prompt_encoder"):
                (Path(folder) / part).symlink_to((repository / part).resolve())
            told: list[str] = []

            def hear(line: str) -> None:
                told.append(line)
                print(line, file=sys.stderr, flush=True)

            policy.run("everyday", intents.TRAIN, Path(folder), seed=seed, layers=layers, work=Path(folder), log=hear)
            encoder, head = Encoder(Path(folder)), Head(Path(folder), "everyday")
            found["made"][layers]["seeds"].append(intents.figures(rows, head.labels, lambda texts: head.probabilities(encoder, texts)))
            if layers == "2" and seed == 0:
                # The same rows are held back and compared whether the layers are wished for or not; only what follows differs.
                found["auto"] = next(line for line in told if " rows held back: " in line)
    return {**found, "minutes": round((time.monotonic() - begun) / 60, 1)}


def served(repository: Path, policy_name: str, folder: Path) -> dict:
    """Figures of a policy as the repository has it."""
    test, spoken = rows(folder / "eval.jsonl", "prompt", "intent"), rows(LANGUAGES, "text", "label")
    encoder, head = Encoder(repository), Head(repository, policy_name)

    def answers(part: list[dict]) -> tuple[np.ndarray, np.ndarray]:
        return np.array([head.labels.index(row["label"]) for row in part]), head.probabilities(encoder, [row["text"] for row in part])

    gold, probabilities = answers(test)
    there, told = answers(spoken)
    by_language = {
        lang: round(float((told.argmax(1) == there)[of].mean()), 4)
        for lang in dict.fromkeys(row["lang"] for row in spoken) for of in [np.array([row["lang"] == lang for row in spoken])]
    }
    found = evaluate.scores(gold, probabilities, head.labels)
    return {
        "policy": policy_name, "own_layers": head.has_layers, "test": len(test), "accuracy": round(float((probabilities.argmax(1) == gold).mean()), 4),
        "macro_f1": found["macro_f1"], "ece": evaluate.ece(gold, probabilities), "by_language": by_language,
        "megabytes": round(newest(repository / f"{policy_name}_head").stat().st_size / 1e6, 2), "cpu_ms": {n: cost(repository, head, n) for n in (16, 64, 256)},
    }


def cost(repository: Path, head: Head, length: int) -> dict[str, float]:
    """CPU milliseconds of one row of so many tokens, on one thread: the encoder, and the policy's own part. The best of many: others compute, too."""
    encoder, own = session(newest(repository / "prompt_encoder"), 1), session(newest(repository / f"{head.policy}_head"), 1)
    feeds = {"INPUT_IDS": np.full((1, length), 100), MASK: np.ones((1, length), np.int64)}
    output = STATES if head.has_layers else EMBEDDING
    seen = {output: encoder.run([output], feeds)[0], **({MASK: feeds[MASK]} if head.has_layers else {})}

    def best(run) -> float:
        times = []
        for _ in range(40):
            at = time.thread_time()
            run()
            times.append(time.thread_time() - at)
        return round(1000 * min(times), 3)

    return {"encoder": best(lambda: encoder.run([output], feeds)), "own": best(lambda: own.run(["OUTPUT"], seen))}


def right(head, embeddings: np.ndarray, gold: np.ndarray) -> float:
    return round(float((head.logits(embeddings).argmax(1) == gold).mean()), 4)


if __name__ == "__main__":
    main()
