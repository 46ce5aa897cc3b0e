"""The pipeline's steps from labelled prompts to figures. What lies between them stands in the work folder."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from . import data as prompts
from . import evaluate as figures
from . import doubt as unsure
from . import agents, base, bodies, complexity_scores, labels, languages, quantize, ratings, relabel, repository, resume, score_head
from . import train as training
from .calibrate import fit_temperature, softmax
from .data import Row
from .served import Encoder, Head

TOGETHER = "held-out"
"""All held-out sets as one, in evaluation.json."""


MENDED = ", mended"
"""End of the name of a set whose noisy task labels went through `relabel`, as training's do."""


def log(message: str) -> None:
    print(message, flush=True)


def _reading(done: int, of: int) -> None:
    log(f"encoder: {done:,} of {of:,} texts")


def _tokenizer(repository_folder: Path) -> Path:
    return repository_folder / "prompt_tokenizer" / "1" / "tokenizer.json"


def vocabulary(a) -> None:
    """The repository's tokenizer.json: pieces that the training texts use, and the likeliest of all languages."""
    texts = [row.prompt for row in prompts.own_rows()] + [row.prompt for row in prompts.read_jsonl(a.shared / "train.jsonl")]
    for path in sorted((prompts.OWN / "bodies" / "own").glob("*.jsonl")):
        texts += [text for row in bodies.read(path) for text in bodies.texts(row["body"])]
    path = repository.write_tokenizer(a.repository, base.cut_vocabulary(texts, a.pieces))
    log(f"{path}: {a.pieces:,} pieces, {path.stat().st_size / 1e6:.1f} MB. The encoder must be trained for it")


def data(a) -> None:
    """rows.jsonl and validation.jsonl, with a count of every label."""
    a.work.mkdir(parents=True, exist_ok=True)
    rows = prompts.training_rows(a.shared, a.bodies)
    validation = prompts.validation_rows(prompts.own_rows(bodies=a.bodies))[1]
    for name, part in (("rows", rows), ("validation", validation)):
        path = a.work / f"{name}.jsonl"
        path.write_text("".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in part), encoding="utf-8")
        log(f"{path}: {len(part):,} rows, of them {sum(row.source.startswith('own/') for row in part):,} of our own")
        for column in labels.HEADS:
            counts = Counter(getattr(row, column) for row in part)
            log(f"  {column}: " + ", ".join(f"{name} {counts[name]}" for name in labels.HEADS[column]))


def stored(path: Path) -> list[Row]:
    """Rows that `data` has written into the work folder."""
    if not path.is_file():
        sys.exit(f"{path} is missing: run `python -m trainer data` first")
    with open(path, encoding="utf-8") as file:
        return [Row(**json.loads(line)) for line in file]


def train(a) -> None:
    """weights.npz: encoder and heads."""
    rows = stored(a.work / "rows.jsonl")
    given = {name.removeprefix("share_"): value for name, value in vars(a).items() if name.startswith("share_")}
    training.train(
        rows, tokenizer=_tokenizer(a.repository), out=a.work / "weights.npz", budget=training.Budget(a.epochs, a.minutes), seed=a.seed,
        rate=a.rate, shares=training.Shares(**given), start=a.start, engine=a.engine, limit=a.limit, log=log)
    log(f"wrote {a.work / 'weights.npz'}")


def labelled(rows: list[Row], column: str, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers and label indices of the rows that this head has labels for."""
    index = [i for i, row in enumerate(rows) if getattr(row, column) in names]
    return np.array(index, int), np.array([names.index(getattr(rows[i], column)) for i in index], int)


def calibrate(a) -> None:
    """temperatures.json. Fitted on our own prompts held back from training; every source counts by its rows."""
    params, heads = training.load(a.work / "weights.npz")
    rows = stored(a.work / "validation.jsonl")
    graph = repository.stage_encoder(a.work, params)
    embedding = Encoder(a.repository, graph=graph).embeddings([row.prompt for row in rows], progress=_reading)
    out = {}
    for column in labels.HEADS:
        index, gold = labelled(rows, column, heads[column])
        logits = embedding[index] @ params[f"head.{column}.weight"].T + params[f"head.{column}.bias"]
        out[column] = fit_temperature(logits, gold)
        before, after = (figures.ece(gold, softmax(logits, t)) for t in (1.0, out[column]))
        log(f"{column}: temperature {out[column]:.3f} from {len(gold)} rows; ECE {before:.3f} → {after:.3f}")
    (a.work / "temperatures.json").write_text(json.dumps(out, indent=2) + "\n", encoding="utf-8")


def export(a) -> None:
    """fp32, fp16 and int8 graphs in the work folder; the repository gets int8, heads and ensembles."""
    params, heads = training.load(a.work / "weights.npz")
    temperatures = json.loads((a.work / "temperatures.json").read_text(encoding="utf-8"))
    small = repository.stage_encoder(a.work, params)
    quantize.to_fp16(a.work / "prompt_encoder.fp32.onnx", a.work / "prompt_encoder.fp16.onnx")
    repository.install_encoder(a.repository, small)
    readings = _readings(a.repository)
    for column, names in labels.HEADS.items():
        repository.write_policy(
            a.repository, labels.POLICIES[column], names, params[f"head.{column}.weight"], params[f"head.{column}.bias"],
            temperatures[column], readings if column == "complexity" else None,
        )
    agents.install(a.repository, stored(a.work / "validation.jsonl"), log)
    for path in (a.work / "prompt_encoder.fp32.onnx", a.work / "prompt_encoder.fp16.onnx", a.repository / "prompt_encoder/1/model.onnx"):
        log(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    log("heads that `policy` trained stand on the encoder: train them again after this")


def _readings(folder: Path) -> complexity_scores.Readings:
    """The dimensions of SCORES as read off the embeddings of a repository's encoder."""
    texts, rated = score_head.read()
    readings, told = score_head.fit(Encoder(folder).embeddings(texts, progress=_reading), rated)
    found = (f"{name} {ratings.spearman(told[:, at], rated[name]):.2f}" for at, name in enumerate(complexity_scores.READ))
    log(f"SCORES from {len(texts)} rated prompts; rank correlation in cross-validation: {', '.join(found)}")
    return readings


def fit_scores(a) -> None:
    """SCORES of the repository's complexity head anew, by the ratings in data/own_ratings.jsonl; its labels' weights stay as they are."""
    policy, names = labels.POLICIES["complexity"], labels.HEADS["complexity"]
    params = resume.head_params(a.repository / f"{policy}_head", "complexity", len(names))
    of_agents = repository.agent_temperature(a.repository, policy)
    repository.write_policy(
        a.repository, policy, names, params["head.complexity.weight"], params["head.complexity.bias"], 1.0, _readings(a.repository))
    repository.tell_agents(a.repository, policy, of_agents)
    log(f"wrote {a.repository / policy}_head")


def fit_agents(a) -> None:
    """The temperature of agents' requests in the repository's configurations, by our own bodies that are held back from training."""
    agents.install(a.repository, prompts.validation_rows(prompts.own_rows(bodies=a.bodies))[1], log)


def evaluate(a) -> None:
    """Figures of the served models on labelled files, printed and kept in evaluation.json for the card."""
    held_out = sorted((prompts.OWN / "heldout").glob("*.jsonl"))
    files = a.file or [*held_out, a.work / "validation.jsonl", a.shared / "eval.jsonl"]
    files += [a.bodies] if a.bodies else []
    encoder = Encoder(a.repository, graph=a.graph)
    heads = {column: Head(a.repository, name) for column, name in labels.POLICIES.items() if (a.repository / f"{name}_head").is_dir()}
    answers: dict[str, dict[str, list]] = {}
    for path in files:
        rows = prompts.read_jsonl(path)
        log(f"{path}: {len(rows):,} rows")
        embedding = encoder.embeddings([row.prompt for row in rows], progress=_reading)
        readings = [(path.stem, rows, tuple(heads))]
        if any(map(relabel.is_noisy, rows)):
            readings.append((f"{path.stem}{MENDED}", [replace(row, task=relabel.task_of(row)) for row in rows], ("task",)))
        for stem, read, columns in readings:
            for column in columns:
                head = heads[column]
                index, gold = labelled(read, column, head.labels)
                if not len(index):
                    continue
                texts = [read[i].prompt for i in index] if head.has_layers else []
                probabilities = head.probabilities(encoder, texts) if head.has_layers else head.run(embedding[index])
                probabilities = agents.as_told(head, probabilities, [read[i] for i in index])
                spoken = np.array([languages.of(read[i].prompt, read[i].lang) for i in index])
                kinds = np.array([read[i].kind for i in index])
                second = [getattr(read[i], f"second_{column}", None) for i in index]
                others = np.array([-1 if label is None else head.labels.index(label) for label in second], int)
                for name in (stem, *((TOGETHER,) if path.resolve() in held_out else ())):
                    answers.setdefault(name, {}).setdefault(column, []).append((gold, probabilities, spoken, kinds, others))
    report: dict[str, dict] = {}
    for name, columns in answers.items():
        for column, parts in columns.items():
            gold, probabilities, spoken, kinds, others = (np.concatenate(part) for part in zip(*parts))
            found = report.setdefault(name, {})[column] = figures.scores(gold, probabilities, heads[column].labels, spoken, kinds, others)
            # The picture needs the whole matrix, the table only its worst cells.
            found["confusion"] = figures.confusion(gold, probabilities.argmax(1), len(heads[column].labels)).tolist()
            log(figures.table(found, f"{labels.POLICIES[column]} on {name}") + "\n")
    a.work.mkdir(parents=True, exist_ok=True)
    (a.work / "evaluation.json").write_text(json.dumps(report), encoding="utf-8")
    if a.json:
        log(json.dumps(report))


def scores(a) -> None:
    """scores.json: what SCORES have in common with the ratings in data/ratings.jsonl, printed as a table."""
    prompts_, rated = ratings.read()
    embedding = Encoder(a.repository).embeddings(prompts_, progress=_reading)
    found = ratings.report(Head(a.repository, labels.POLICIES["complexity"]).scores(embedding), rated, a.seed)
    a.work.mkdir(parents=True, exist_ok=True)
    (a.work / "scores.json").write_text(json.dumps(found), encoding="utf-8")
    log(ratings.table(found))


def doubt(a) -> None:
    """doubt.json: which signal tells wrong answers best, on held-out prompts, shifted ones and bodies, and how sure the heads are of noise."""
    known = [row for row in prompts.own_rows() if row.kind == "prompt"]
    order = np.random.default_rng(a.seed).permutation(len(known))[:3000]
    sets = {"held-out": prompts.held_out_rows(), "rare languages": unsure.shifted_rows()}
    sets |= {"bodies": prompts.read_jsonl(a.bodies)} if a.bodies else {}
    found = unsure.study(a.repository, [known[i] for i in order], sets, _reading)
    a.work.mkdir(parents=True, exist_ok=True)
    (a.work / "doubt.json").write_text(json.dumps(found), encoding="utf-8")
    log(unsure.table(found))


def card(a) -> None:
    from . import card as module

    module.write(a.work)
