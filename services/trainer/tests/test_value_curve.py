"""Curves, coins and pairs: figures that can be told by hand."""

import numpy as np
import pytest

from trainer.value import calibration, curve, folds, kernel, pair, ridge, stack, stanza, study
from trainer.value.measures import Samples
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
        weight, bias = ridge.Basis(x).fit(x[:, :1] * 2 + 1)
        assert x[:1] @ weight.T + bias == pytest.approx(x[:1, :1] * 2 + 1, abs=0.6)
    x = rng.normal(size=(400, 50))
    weight, _ = ridge.Basis(x).fit(rng.normal(size=(400, 1)))
    assert np.abs(weight).max() < 0.1


def bumps(rng, count, width=24):
    """Prompts in eight places, and a target that is good in every other one: no line parts them."""
    centres = np.random.default_rng(7).normal(size=(8, width))
    place = rng.integers(8, size=count)
    x = (centres[place] + 0.3 * rng.normal(size=(count, width))).astype(np.float32)
    return x, np.stack([0.2 + 0.6 * (place % 2), np.full(count, 0.5)], 1)


@pytest.mark.parametrize("landmarks", [1_000, 60])
def test_a_kernel_finds_what_bends_from_some_of_the_prompts_and_from_cells_that_are_missing(monkeypatch, landmarks):
    monkeypatch.setattr(kernel, "LANDMARKS", landmarks)
    rng = np.random.default_rng(0)
    (x, truth), (new, wanted) = bumps(rng, 300), bumps(rng, 200)
    score = (rng.random(truth.shape) < truth).astype(float)
    made = kernel.fit_kernel(x, score, 0)
    assert len(made.landmarks) == min(landmarks, 300)
    said = made.predict(new)
    assert ((said - wanted) ** 2).mean() < 0.25 * ((score.mean(0) - wanted) ** 2).mean()
    score[np.arange(300), rng.integers(2, size=300)] = np.nan  # each prompt was tried on one target
    assert np.corrcoef(kernel.fit_kernel(x, score, 0).predict(new)[:, 0], wanted[:, 0])[0, 1] > 0.7


def test_a_kernel_gives_noise_no_weight_and_bears_prompts_that_are_read_alike():
    rng = np.random.default_rng(0)
    x, score = rng.normal(size=(300, 40)).astype(np.float32), (rng.random((300, 2)) < 0.5).astype(float)
    assert kernel.fit_kernel(x, score, 0).predict(rng.normal(size=(100, 40)).astype(np.float32)).std(0).max() < 0.1
    alike = kernel.fit_kernel(np.ones((60, 16), np.float32), score[:60], 0).predict(np.ones((2, 16), np.float32))
    assert alike == pytest.approx(np.repeat(score[:60].mean(0)[None], 2, 0), abs=1e-3)


def test_the_simplest_of_what_can_not_be_told_apart_is_chosen_and_only_of_that():
    rng = np.random.default_rng(0)
    truth = rng.random((1_000, 2))
    score = (rng.random((1_000, 2)) < truth).astype(float)
    samples = Samples.of(np.arange(1_000), 0)
    means = np.repeat(score.mean(0)[None], 1_000, 0)

    def chosen(**predicted):
        return study.simplest({name: study.missed(p, score) for name, p in predicted.items()}, samples)[0]

    assert chosen(table=means, head=truth) == "head"
    assert chosen(table=truth + 1e-3 * rng.normal(size=truth.shape), head=truth) == "table"
    assert chosen(table=means, head=means + 0.3 * rng.normal(size=truth.shape)) == "table"
    # What is said of a prompt's difficulty alone sends no prompt elsewhere.
    assert study.missed(truth + rng.random((1_000, 1)), score) == pytest.approx(study.missed(truth, score))


@pytest.mark.parametrize("missing", [False, True])
def test_a_blend_takes_of_each_part_what_it_is_good_for(missing):
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 3_000, 1)) * 0.15
    signs = np.array([1, -1, 0])
    truth = 0.5 + (one + other) * signs
    score = (rng.random(truth.shape) < truth).astype(float)
    if missing:
        score[rng.random(score.shape) < 0.3] = np.nan
    said = [0.5 + one * signs, 0.5 + other * signs, rng.random(truth.shape)]
    found = stack.shares(said, score)
    assert found.sum() == pytest.approx(1) and found[:2] == pytest.approx([0.5, 0.5], abs=0.12) and found[2] < 0.1
    assert stack.shares([said[0], said[0] * 0 + 0.5], score) == pytest.approx([1, 0])
    assert stack.shares([said[0] * 0, said[0] * 0], score) == pytest.approx([0.5, 0.5])


def test_a_blend_is_judged_by_shares_from_prompts_that_it_is_not_judged_on():
    rng = np.random.default_rng(0)
    said, score = [rng.random((400, 2)) for _ in range(8)], rng.random((400, 2))
    fold = np.arange(400) % 4
    held = stack.held(said, score, fold)
    score[fold == 0] = rng.random((100, 2))
    assert (stack.held(said, score, fold)[fold == 0] == held[fold == 0]).all()


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
