"""A policy of the user's own: a head on the shared encoder, or layers of its own where they pay; calibrated, written beside and renamed."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import evaluate, policy_config, policy_data, policy_layers, repository
from .calibrate import fit_temperature, softmax
from .policy_data import Examples
from .rows import BadData
from .served import Encoder

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
SHIPPED = ("task_router", "complexity_router")
STRENGTHS = (0.01, 0.03, 0.1, 0.3)
"""Inverse regularisation that is tried, on standardised features; more examples want more."""
SEARCH_ROWS = 3_000
FOLDS = 5


@dataclass(frozen=True)
class Linear:
    """A trained head: logits = embeddings @ weight.T + bias."""

    weight: np.ndarray
    bias: np.ndarray

    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        return embeddings @ self.weight.T + self.bias


def fit(embeddings: np.ndarray, gold: np.ndarray, labels: int, strength: float) -> Linear:
    """Multinomial logistic regression; the features' scale is folded into the weights.

    Features are standardised, but none is blown up: those that vary less than is usual keep their share. What hardly varies is mostly
    int8's rounding (of the first token's half it is 1.5 deviations, of the mean's .07).
    """
    from sklearn.linear_model import LogisticRegression

    mean, deviation = embeddings.mean(0), embeddings.std(0)
    scale = np.maximum(deviation, np.sqrt((deviation**2).mean())) + 1e-6
    scaled = ((embeddings - mean) / scale).astype(np.float32)
    model = LogisticRegression(C=strength, max_iter=300, tol=1e-3).fit(scaled, gold)
    coefficients, intercept = model.coef_, model.intercept_
    if labels == 2:  # sklearn keeps one row for two labels
        coefficients, intercept = np.vstack([-coefficients, coefficients]) / 2, np.concatenate([-intercept, intercept]) / 2
    weight = coefficients / scale
    return Linear(weight.astype(np.float32), (intercept - weight @ mean).astype(np.float32))


def cross_validate(embeddings: np.ndarray, gold: np.ndarray, labels: int, strength: float, seed: int, log=lambda _: None) -> np.ndarray:
    """Logits of every row by a head that has not seen it, [rows, labels]."""
    from sklearn.model_selection import StratifiedKFold

    folds = min(FOLDS, int(np.bincount(gold).min()))
    logits = np.zeros((len(gold), labels), np.float32)
    for number, (train, test) in enumerate(StratifiedKFold(folds, shuffle=True, random_state=seed).split(embeddings, gold), 1):
        logits[test] = fit(embeddings[train], gold[train], labels, strength).logits(embeddings[test])
        log(f"cross-validation: fold {number} of {folds}")
    return logits


def choose_strength(embeddings: np.ndarray, gold: np.ndarray, labels: int, seed: int, log) -> float:
    """The regularisation with the best likelihood in cross-validation, on a sample where there are many rows."""
    rng = np.random.default_rng(seed)
    rows = np.arange(len(gold))
    if len(rows) > SEARCH_ROWS:
        rows = np.concatenate([
            rng.permutation(np.flatnonzero(gold == label))[: max(4, round(SEARCH_ROWS * (gold == label).mean()))] for label in range(labels)
        ])
        rows = np.array([r for r in rows if (gold[rows] == gold[r]).sum() >= 2])
        if len(np.unique(gold[rows])) < labels:
            return STRENGTHS[1]
    best = (np.inf, STRENGTHS[0])
    for strength in STRENGTHS:
        logits = cross_validate(embeddings[rows], gold[rows], labels, strength, seed)
        temperature = fit_temperature(logits, gold[rows])
        right = softmax(logits, temperature)[np.arange(len(rows)), gold[rows]]
        best = min(best, (float(-np.log(np.maximum(right, 1e-9)).mean()), strength))
        log(f"regularisation {strength}: accuracy {(logits.argmax(1) == gold[rows]).mean():.3f} on {len(rows):,} rows")
    return best[1]


def check_name(name: str, folder: Path, replace: bool) -> None:
    """Refuses names that Triton, the configuration or other models could not live with."""
    if not NAME.fullmatch(name):
        raise BadData(f"--name '{name}': want lower-case letters, digits and _, starting with a letter, e.g. intent_router")
    if name in ("prompt", "prompt_encoder", "prompt_tokenizer") or name.endswith(("_head", "_details", "_ensemble", "_encoder")):
        raise BadData(f"--name '{name}': taken for parts of the repository; take another, e.g. intent_router")
    if name in SHIPPED and not replace:
        raise BadData(f"--name {name}: this policy ships with the router; add --replace to put yours in its place")
    if not (folder / "prompt_encoder" / "config.pbtxt").is_file():
        raise BadData(f"--repository {folder}: no prompt_encoder in it; want the router's model_repository")


def say(message: str) -> None:
    print(message, flush=True)


def run(
    name: str, data: Path, folder: Path, *, seed: int = 0, replace: bool = False, layers: str = "auto", work: Path,
    config: Path | None = None, target: str | None = None, routes: dict[str, str] | None = None, log=say,
) -> dict:
    """Trains the policy and writes it into the repository. Returns the figures of rows that it had not seen.

    layers: "0", "2" or "auto", how many encoder layers of its own it gets. work: folder for what a training that is ended goes on from.

    Raises BadData before anything is written.
    """
    begun = time.monotonic()
    check_name(name, folder, replace)
    examples = policy_data.read(data)
    unknown = sorted(set(routes or {}) - set(examples.names))
    if unknown:
        raise BadData(f"--route {unknown[0]}=…: no such label in {data}; labels: {', '.join(examples.names[:20])}")
    stanza = policy_config.Stanza(name, examples.names, Counter(examples.labels).most_common(1)[0][0], target, routes or {})
    if config is not None:
        policy_config.check(config, stanza)
    log(f"{len(examples.texts):,} texts, {len(examples.names)} labels" + (f", {examples.dropped:,} duplicates dropped" if examples.dropped else ""))
    report = train(name, examples, folder, seed=seed, layers=layers, work=work, log=log)
    log(f"wrote {folder / (name + '_head')} and {folder / (name + '_ensemble')} after {time.monotonic() - begun:.0f} s")
    if config is None:
        log(f"\nThe policy's stanza, for your configuration file:\n\n{stanza.text()}")
    else:
        log(policy_config.add(config, stanza))
    return report


def train(name: str, examples: Examples, folder: Path, *, seed: int, layers: str, work: Path, log) -> dict:
    """A head on EMBEDDING (seconds), and where `layers` says so, layers of the policy's own in its place. Returns the figures."""
    gold = np.array([examples.names.index(label) for label in examples.labels])
    encoder = Encoder(folder)
    wanted = layers == "2" or layers == "auto" and len(gold) >= policy_layers.MIN_ROWS
    if wanted and not encoder.gives_states:
        told = f"{folder}/prompt_encoder gives no HIDDEN_STATES, which layers of a policy's own read: take the router's own prompt_encoder"
        if layers == "2":
            raise BadData(f"--layers 2: {told}, or leave the option away")
        log(f"{told}. A head alone is made")
        wanted = False
    log("reading the texts with the shared encoder")
    progress = lambda done, of: log(f"encoder: {done:,} of {of:,} texts")  # noqa: E731
    seen = policy_layers.read(encoder, examples.texts, seed, progress) if wanted else None
    embeddings = seen.embeddings if seen else encoder.embeddings(examples.texts, progress=progress)
    strength = choose_strength(embeddings, gold, len(examples.names), seed, log)
    if seen:
        report = own_layers(name, examples, gold, seen, folder, strength, seed=seed, is_forced=layers == "2", work=work, log=log)
        if report:
            return report
    logits = cross_validate(embeddings, gold, len(examples.names), strength, seed, log)
    temperature = fit_temperature(logits, gold)
    report = evaluate.scores(gold, softmax(logits, temperature), examples.names)
    log(evaluate.table(report, f"{name}, cross-validated"))
    log("fitting the head on all rows")
    head = fit(embeddings, gold, len(examples.names), strength)
    repository.write_policy(folder, name, examples.names, head.weight, head.bias, temperature, version=repository.next_version(folder, name))
    return report


def own_layers(
    name: str, examples: Examples, gold: np.ndarray, seen: policy_layers.Read, folder: Path, strength: float, *, seed: int, is_forced: bool, work: Path, log,
) -> dict | None:
    """Trains them, and writes the policy where they are better on rows held back by more than chance, or are wished for; else None."""
    held = policy_layers.split(gold, seed)
    kept = [work / f"{name}_{part}.npz" for part in ("layers", "all")]

    def trained(used: np.ndarray, keep: Path) -> tuple[Linear, policy_layers.Trained]:
        head = fit(seen.embeddings[used], gold[used], len(examples.names), strength)
        return head, policy_layers.Trained(examples, gold, seen, used, head, folder, seed, keep, log)

    has_states = seen.states.lengths > 0
    without, every = np.flatnonzero(~held & has_states), np.flatnonzero(has_states)
    log(f"layers of its own: a first training without the rows held back ({policy_layers.expected(seen.states, without)} on this machine), and "
        + ("then" if is_forced else "where they are better than the head on these,")
        + f" a second on all rows ({policy_layers.expected(seen.states, without, every)} for both)")
    head, layers = trained(~held, kept[0])
    told = np.flatnonzero(held & has_states)
    logits = layers.logits(seen.states, told)
    compared = policy_layers.compare(gold[told], head.logits(seen.embeddings[told]), logits)
    is_better = compared.chance < policy_layers.CHANCE
    log(compared.text() + ("" if is_better else f"; that may be chance ({compared.chance:.2f})" if is_forced else f"; that may be chance ({compared.chance:.2f}): a head alone"))
    report = None
    if is_better or is_forced:
        log("once more, on all rows")
        report = policy_layers.write(trained(np.ones_like(held), kept[1])[1], logits, gold[told], name, examples, folder, log)
    for path in kept:
        path.unlink(missing_ok=True)
    return report


def main(arguments) -> int:
    """The command: exit code 2 and a message on stderr for what the user can mend."""
    try:
        routes = dict(parse_route(text) for text in arguments.route)
        run(
            arguments.name, Path(arguments.data), Path(arguments.repository), seed=arguments.seed, replace=arguments.replace,
            layers=arguments.layers, work=arguments.work, config=Path(arguments.config) if arguments.config else None,
            target=arguments.target, routes=routes,
        )
    except BadData as error:
        print(f"policy: {error}\nNothing was changed.", file=sys.stderr)
        return 2
    return 0


def parse_route(text: str) -> tuple[str, str]:
    label, sign, target = text.rpartition("=")
    if not sign or not label or not target:
        raise BadData(f"--route {text}: want LABEL=TARGET")
    return label, target
