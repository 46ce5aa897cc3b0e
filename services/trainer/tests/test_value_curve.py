"""Curves, coins and pairs: figures that can be told by hand."""

import numpy as np
import pytest

from trainer.value import calibration, curve, folds, pair, ridge, stanza
from trainer.value.recommend import Setting


def test_a_coin_is_worth_nothing_over_the_coin():
    cost, quality = np.array([1.0, 4.0, 2.0]), np.array([0.2, 0.8, 0.3])
    assert curve.over_coin(cost[[0, 1]], quality[[0, 1]], cost, quality) == pytest.approx(0, abs=1e-9)
    assert curve.cost_of(cost, quality, 0.5) == pytest.approx(2.5)
    assert curve.cost_of(cost, quality, 0.9) == np.inf


def test_the_hull_leaves_out_what_a_mix_beats():
    x, y = curve.hull(np.array([1.0, 2.0, 3.0, 5.0]), np.array([0.1, 0.2, 0.9, 0.8]))
    assert x.tolist() == [1, 3] and y.tolist() == [0.1, 0.9]


def test_choosing_weighs_quality_against_cost_and_ties_go_to_the_cheaper():
    quality, cost = np.array([[0.5, 0.9], [0.9, 0.9]]), np.array([[1.0, 2.0], [1.0, 2.0]])
    assert curve.choose(quality, cost, np.inf).tolist() == [1, 0]
    assert curve.choose(quality, cost, 2.0).tolist() == [0, 0]
    assert curve.choose(quality, cost, 4.0).tolist() == [1, 0]
    assert curve.choose(quality, cost, 0.0).tolist() == [0, 0]


def test_pair_figures_of_a_coin_an_oracle_and_its_reverse():
    rng = np.random.default_rng(0)
    weak, strong = (rng.random(20_000) < 0.5).astype(float), (rng.random(20_000) < 0.8).astype(float)
    coin = pair.pair(np.zeros(20_000), weak, strong)
    assert coin["apgr"] == pytest.approx(0.5, abs=0.03) and coin["cpt50"] == pytest.approx(50, abs=3) and coin["cpt80"] == pytest.approx(80, abs=3)
    assert pair.pair(strong - weak, weak, strong)["apgr"] > 1 and pair.pair(weak - strong, weak, strong)["apgr"] < 0


def test_ridge_finds_a_line_and_gives_noise_no_weight():
    rng = np.random.default_rng(0)
    for shape in ((300, 20), (30, 60)):
        x = rng.normal(size=shape)
        weight, bias = ridge.Basis(x).fit(x[:, :1] * 2 + 1, shared=True)
        assert x[:1] @ weight.T + bias == pytest.approx(x[:1, :1] * 2 + 1, abs=0.6)
    x = rng.normal(size=(400, 50))
    weight, _ = ridge.Basis(x).fit(rng.normal(size=(400, 1)), shared=True)
    assert np.abs(weight).max() < 0.1


def test_calibration_believes_signal_and_not_noise():
    rng = np.random.default_rng(0)
    truth = rng.random((4_000, 2))
    score = (rng.random((4_000, 2)) < truth).astype(float)
    score[::3, 0] = np.nan
    mix, bias = calibration.fit(truth * 0.5, score)  # half as sure as it ought to be, which a factor of 1.5 can mend in part
    assert calibration.ece(np.clip(truth * 0.5 @ mix + bias, 0, 1), score) < calibration.ece(truth * 0.5, score)
    mix, bias = calibration.fit(rng.random((4_000, 2)), score)
    assert np.abs(mix).max() < 0.1 and bias == pytest.approx([np.nanmean(score[:, 0]), np.nanmean(score[:, 1])], abs=0.05)


def test_near_duplicates_and_small_groups_stay_in_one_fold():
    prompts = [f"What is {i} + {i}?" for i in range(20)] + [f"{'abcdefghijklmnopqrstuvwxyz'[i]} thing" for i in range(20)]
    fold = folds.like(prompts, None, 5, 0)
    assert len(set(fold[:20])) == 1 and len(set(fold[20:])) == 5
    talks = folds.like(prompts[20:], tuple(f"talk {i // 2}" for i in range(20)), 5, 0)
    assert all(talks[i] == talks[i + 1] for i in range(0, 20, 2))
    assert folds.unlike(tuple(f"talk {i // 2}" for i in range(20)), 0) is None


def test_the_stanza_quotes_what_yaml_would_misread():
    text = stanza.ValueStanza("auto", ("small", "a/b: c"), "small", Setting(0.5, 1, 1, 1), {"cheap": Setting(1e-6, 1, 1, 1)}).text()
    assert 'targets: [small, "a/b: c"]' in text and "willingness_usd: 0.5" in text and "cheap: { willingness_usd: 1e-06 }" in text


def test_prompts_of_all_kinds_ship_beside_the_code():
    from trainer.value import general

    found = general.prompts()
    assert len(set(found)) == general.COUNT and all(0 < len(text) <= general.MOST_CHARS for text in found)
