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


def test_every_rated_prompt_has_all_readings_and_is_a_held_out_one():
    prompts, rated = ratings.read()
    assert len(set(prompts)) == len(prompts) == 300
    for reading in ratings.READINGS:
        assert set(rated[reading]) == {*ratings.RATED, ratings.OVERALL}
    held_out = {json.loads(line)["prompt"] for path in (ratings.OWN / "heldout").glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()}
    assert set(prompts) <= held_out


def scored(rated, of):
    """SCORES that put prompts in the order that `of` makes of each dimension."""
    scores = np.zeros((300, len(complexity_scores.NAMES)))
    for name in ratings.RATED:
        scores[:, complexity_scores.NAMES.index(name)] = of(name) / 300
    scores[:, 0] = of(ratings.OVERALL)
    return scores


def test_a_score_that_says_what_readers_say_is_found_to():
    _, rated = ratings.read()
    found = ratings.report(scored(rated, lambda name: ratings.together(rated, name)), rated)
    assert all(row["together"] == pytest.approx(1) and row["concordance"] == 1 for row in found["by_score"].values())
    noise = ratings.report(np.random.default_rng(0).normal(size=(300, len(complexity_scores.NAMES))), rated)
    assert all(abs(row["together"]) < 0.2 for row in noise["by_score"].values())
    assert found["fitted"]["as_shipped"] == pytest.approx(1)


def test_the_readers_with_each_other_are_the_ceiling_of_a_score_that_copies_one():
    _, rated = ratings.read()
    found = ratings.report(scored(rated, lambda name: rated["blind_1"][name]), rated)["by_score"]
    assert all(row["blind_1"] == pytest.approx(1) and row["blind_2"] == pytest.approx(row["between"]) for row in found.values())
    assert all(row["earlier"] == pytest.approx(ratings.spearman(rated["blind_1"][ratings.OVERALL if name == ratings.COMPOSITE else name],
               ratings.together(rated, ratings.OVERALL if name == ratings.COMPOSITE else name, ratings.EARLIER))) for name, row in found.items())


def test_weights_are_judged_on_prompts_that_they_were_not_fitted_on():
    rng = np.random.default_rng(1)
    dimensions, overall = rng.random((300, 6)), rng.permutation(300)
    rated = {reading: {**{name: rng.integers(0, 9, 300) for name in ratings.RATED}, "overall": overall} for reading in ratings.READINGS}
    chance = ratings.weights_apart(dimensions, dimensions[:, 0], rated, 0)
    assert abs(chance["other_half"]) < 0.1 and abs(chance["by_earlier"]) < 0.1
    told = {reading: {**values, "overall": (dimensions[:, 1] * 1000).astype(int)} for reading, values in rated.items()}
    found = ratings.weights_apart(dimensions, dimensions[:, 0], told, 0)
    assert found["other_half"] > 0.98 and abs(found["as_shipped"]) < 0.2 and found["weights"]["reasoning"] > 0.9


def test_a_row_without_a_rating_is_named(tmp_path):
    row = {"prompt": "x", "first": {name: 1 for name in (*ratings.RATED, "overall")}, "second": {"overall": 3}}
    (tmp_path / "r.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(SystemExit, match="r.jsonl:1: second has no whole number for creativity_scope"):
        ratings.read(tmp_path / "r.jsonl")
