"""Learning from a router's own log, where the truth is known: what is drawn unevenly must not be taken for what is so."""

import base64
import hashlib
import json

import numpy as np
import pytest
from test_policy import a_repository, folder  # noqa: F401

from trainer import cli
from trainer.rows import BadData
from trainer.repository import fingerprint_of
from trainer.value import crossfit, folds, kernel, log, parts

WIDTH = 24
TARGETS = ("cheap", "dear")
GOOD = {"cheap": (0.9, 0.2), "dear": (0.9, 0.9)}
"""Mean score on easy and on hard prompts; half are easy."""
SCORED = {"cheap": 0.5, "dear": 0.9}
"""Share of answers that somebody scores."""


def simulated(count=4000, explore=0.3, seed=0, width=WIDTH, encoder="e1", flat=False):
    """Lines of a log: the policy sends easy prompts to cheap and hard ones to dear, and draws `explore` of them by lot."""
    rng = np.random.default_rng(seed)
    lines = []
    for i in range(count):
        hard = int(rng.random() < 0.5)
        x = rng.normal(0, 1, width) + np.where(np.arange(width) < 4, 2 * hard - 1, 0)
        best = TARGETS[hard]
        drawn = TARGETS[rng.integers(2)] if rng.random() < explore else best
        propensity = 1 - explore + explore / 2 if drawn == best else explore / 2
        score = float(np.clip(rng.normal(0.6 if flat else GOOD[drawn][hard], 0.1), 0, 1))
        lines.append({
            "request_id": f"r{i}", "policy": "auto", "reason": "explore" if drawn != best else "value", "entry": drawn, "target": drawn, "status": 200,
            "text_sha256": hashlib.sha256(str(i).encode()).hexdigest(), "cost_usd": {"cheap": 1e-4, "dear": 1e-3}[drawn],
            "usage": {"promptTokens": 100, "cachedTokens": 0, "completionTokens": {"cheap": 50, "dear": 80}[drawn]},
            "embedding": {"of": encoder, "f16": base64.b64encode(x.astype("<f2").tobytes()).decode()},
            "value": {"propensity": propensity, "own": False, "targets": [{"target": t, "quality": 0.5, "input_tokens": 100, "output_tokens": 60, "why": None} for t in TARGETS]},
        })
        if rng.random() < SCORED[drawn]:
            lines.append({"type": "feedback", "request_id": f"r{i}", "score": score, "source": "user"})
    return lines


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def truth():
    return np.array([np.mean(GOOD[t]) for t in TARGETS])


def test_estimates_are_right_where_plain_means_are_not(tmp_path, monkeypatch):
    seed = 1
    # The prompts are of two kinds, which a few landmarks tell apart as well as a thousand.
    monkeypatch.setattr(kernel, "LANDMARKS", 100)
    data, x = log.read([write(tmp_path / "log.jsonl", simulated(seed=seed))], [], "auto", "e1")
    naive = parts.means(data.score)
    assert abs(naive - truth())[0] > 0.15
    weighted = parts.means(data.score, data.weight)
    held = crossfit.run(x, data, folds.like(data.prompts, None, 5, seed), crossfit.Known(None, None, trusting=False), seed)
    robust = crossfit.filled(data.score, held.predicted["head"], data.weight).mean(0)
    np.testing.assert_allclose(weighted, truth(), atol=0.06)
    np.testing.assert_allclose(robust, truth(), atol=0.03)
    # Either of its two halves alone is enough: predictions that say nothing, or chances that are wrong.
    blind = np.full_like(data.score, 0.5)
    np.testing.assert_allclose(crossfit.filled(data.score, blind, data.weight).mean(0), truth(), atol=0.06)
    hard = x[:, :4].mean(1) > 0
    known = np.stack([np.where(hard, GOOD[t][1], GOOD[t][0]) for t in TARGETS], 1)
    np.testing.assert_allclose(crossfit.filled(data.score, known, np.where(data.weight > 0, 1, 0)).mean(0), truth(), atol=0.03)


def width_of(repository):
    from trainer.served import Encoder

    return Encoder(repository).embeddings(["x"]).shape[1]


def run(folder, path, *more):  # noqa: F811
    return cli.main(["value", "--name", "auto", "--log", str(path), "--repository", str(folder), "--work", str(folder.parent / "cache" / "train"), *more])


def test_a_head_is_trained_from_log_and_feedback(folder, tmp_path, capsys):  # noqa: F811
    lines = simulated(1200, width=width_of(folder), encoder=fingerprint_of(folder))
    said = [line for line in lines if line.get("type") == "feedback"]
    path = write(tmp_path / "log.jsonl", [line for line in lines if line.get("type") != "feedback"])
    path.write_text(path.read_text() + '{"request_id": "torn')
    assert run(folder, path, "--feedback", str(write(tmp_path / "said.jsonl", said)), "--json") == 0
    told = capsys.readouterr()
    made = json.loads(told.out.strip().split("\n")[-1])
    assert made["routes"] and made["written"] and made["targets"] == list(TARGETS) and made["rows"] == len(said)
    assert made["points_over_coin"] > 5 and made["ece"] < 0.08
    assert "requests are scored" in told.err and (folder / "auto_head").is_dir()


def test_scores_without_a_difference_do_not_route(folder, tmp_path, capsys):  # noqa: F811
    path = write(tmp_path / "log.jsonl", simulated(1200, width=width_of(folder), encoder=fingerprint_of(folder), flat=True))
    assert run(folder, path, "--json") == 0
    made = json.loads(capsys.readouterr().out.strip().split("\n")[-1])
    assert not made["routes"] and made["use"] == "cheap"


@pytest.mark.parametrize(("lines", "words"), [
    (lambda: simulated(900), r"fewer than 300 scored requests drawn by lot of 1 target\(s\): 'cheap' has 2\d\d\. Explore more .*POST /v1/feedback"),
    (lambda: [line for line in simulated(50) if "type" not in line], r"'cheap' has 0, 'dear' has 0"),
    (lambda: simulated(50, encoder="e0"), r"no request of policy 'auto' to learn from: 50 were read by another encoder"),
    (lambda: [{**line, "embedding": None} for line in simulated(50)], r"50 have no embedding \(`decision_log: { embedding: true }`\)"),
    (lambda: [{**line, "policy": "other"} for line in simulated(5)], r"The log has other policies: other \(--policy-of\)"),
    (lambda: [{**line, "value": {**line["value"], "propensity": 1}} if "value" in line else line for line in simulated(50)], r"50 were not drawn by lot \(`explore` was 0"),
    (lambda: [{"request_id": "r", "type": "feedback", "score": 7}], r"log.jsonl:1: want {\"request_id\".* with a score from 0 to 1"),
    (lambda: [{"policy": "auto", "reason": "value", "value": {"targets": [{}]}}], r"log.jsonl:1: not a line of the decision log"),
])
def test_what_is_not_enough_is_told(tmp_path, lines, words):
    with pytest.raises(BadData, match=words):
        log.read([write(tmp_path / "log.jsonl", lines())], [], "auto", "e1")


def test_of_both_ways_one_is_wanted(folder, tmp_path, capsys):  # noqa: F811
    assert cli.main(["value", "--name", "auto", "--repository", str(folder)]) == 2
    assert run(folder, tmp_path / "none.jsonl", "--data", "x.csv") == 2
    assert run(folder, tmp_path / "none.jsonl") == 2
    err = capsys.readouterr().err
    assert "want --data FILE" in err and "not both" in err and "none.jsonl: cannot be read" in err
