"""Rank correlations on numbers whose answers are known, and the ratings that stand in the repository."""

import json

import numpy as np
import pytest

from trainer import complexity_scores, ratings


def test_rank_correlation_looks_at_order_alone_and_shares_ties():
    assert ratings.spearman(np.array([1, 2, 3, 40]), np.array([0.1, 0.2, 0.5, 0.6])) == pytest.approx(1)
    assert ratings.spearman(np.array([1, 2, 3]), np.array([3, 2, 1])) == pytest.approx(-1)
    assert ratings.spearman(np.array([1, 1, 2, 3]), np.array([1, 2, 3, 4])) == pytest.approx(0.9487, abs=1e-4)
    assert ratings.spearman(np.ones(4), np.arange(4)) == 0


def test_pairs_that_readers_tie_do_not_count():
    assert ratings.concordance(np.array([0.1, 0.9, 0.5]), np.array([0, 0, 1])) == 0.5
    assert ratings.concordance(np.array([0.1, 0.2, 0.5]), np.array([0, 0, 1])) == 1
    assert ratings.concordance(np.array([0.1, 0.2]), np.array([1, 1])) == 0.5


def test_every_rated_prompt_has_both_readings_and_is_a_held_out_one():
    prompts, rated = ratings.read()
    assert len(set(prompts)) == len(prompts) == 300
    for reading in ratings.READINGS:
        assert set(rated[reading]) == {*ratings.RATED, ratings.OVERALL}
    held_out = {json.loads(line)["prompt"] for path in (ratings.OWN / "heldout").glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()}
    assert set(prompts) <= held_out


def test_a_score_that_says_what_readers_say_is_found_to(tmp_path):
    _, rated = ratings.read()
    scores = np.zeros((300, len(complexity_scores.NAMES)))
    for name in ratings.RATED:
        scores[:, complexity_scores.NAMES.index(name)] = ratings.both(rated, name) / 300
    scores[:, 0] = ratings.both(rated, "overall")
    found = ratings.report(scores, rated)
    assert all(row["both"] == pytest.approx(1) and row["concordance"] == 1 for row in found["by_score"].values())
    noise = ratings.report(np.random.default_rng(0).normal(size=scores.shape), rated)
    assert all(abs(row["both"]) < 0.2 for row in noise["by_score"].values())
    assert found["fitted"]["as_shipped"] == pytest.approx(1)


def test_a_row_without_a_rating_is_named(tmp_path):
    row = {"prompt": "x", "first": {name: 1 for name in (*ratings.RATED, "overall")}, "second": {"overall": 3}}
    (tmp_path / "r.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(SystemExit, match="r.jsonl:1: second has no whole number for creativity_scope"):
        ratings.read(tmp_path / "r.jsonl")
