"""The regression behind SCORES, on made-up ratings whose answer is known, and the ratings that stand in the repository."""

import json

import numpy as np
import pytest

from trainer import complexity_scores, data, ratings, score_head


def made_up(rows=200, width=48, seed=0):
    """Embeddings, and ratings that their first numbers tell."""
    x = np.random.default_rng(seed).normal(size=(rows, width))
    rated = {name: np.clip(np.round(4 + 2 * x[:, at]), 0, 9) for at, name in enumerate(complexity_scores.RATED)}
    return x, {**rated, complexity_scores.COUNTED: np.where(x[:, 10] > 1, 3.0, 0.0)}


def test_what_the_embedding_tells_is_found_and_holds_on_other_rows():
    readings, told = score_head.fit(*made_up())
    other, rated = made_up(seed=1)
    for at, name in enumerate(complexity_scores.READ):
        assert ratings.spearman(told[:, at], made_up()[1][name]) > 0.85
        assert ratings.spearman(other @ readings.weight[at] + readings.bias[at], rated[name]) > 0.85
    assert readings.examples == 3


def test_cross_validation_does_not_flatter_what_cannot_be_told():
    x, rated = made_up()
    order = np.random.default_rng(2).permutation(len(x))
    _, told = score_head.fit(x, {name: values[order] for name, values in rated.items()})
    assert all(abs(ratings.spearman(told[:, at], rated[name][order])) < 0.25 for at, name in enumerate(complexity_scores.READ))


def test_no_rated_prompt_of_training_is_a_held_out_one_or_one_that_calibrates():
    prompts, rated = score_head.read()
    assert len(set(prompts)) == len(prompts) >= 400 and all(values.max() > 0 for values in rated.values())
    judged = {data._key(prompt) for prompt in ratings.read()[0]} | {data._key(row.prompt) for row in data.held_out_rows()}
    assert not judged & {data._key(prompt) for prompt in prompts}
    assert not {row.prompt for row in data.validation_rows(data.own_rows())[1]} & set(prompts)


def test_a_rating_off_the_scale_is_named(tmp_path):
    row = {"prompt": "x", "rating": {**dict.fromkeys(complexity_scores.RATED, 3), "reasoning": 12}}
    (tmp_path / "r.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(SystemExit, match="r.jsonl:1: want a whole number, 0 to 9, for reasoning"):
        score_head.read(tmp_path / "r.jsonl")
