"""Temperature, calibration error and coverage on made-up answers whose figures are known."""

import numpy as np

from trainer import evaluate
from trainer.calibrate import fit_temperature, softmax


def test_finds_the_temperature_that_overconfidence_needs():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    gold = np.array([rng.choice(5, p=row) for row in softmax(logits)])
    assert abs(fit_temperature(logits * 2.5, gold) - 2.5) < 0.2


def test_perfect_certainty_has_no_calibration_error():
    gold = np.array([0, 1, 2])
    assert evaluate.ece(gold, np.eye(3)) == 0


def test_certainty_that_is_always_wrong_has_all_of_it():
    assert evaluate.ece(np.array([0, 0]), np.array([[0.0, 1.0], [0.0, 1.0]])) == 1


def test_chance_alone_makes_an_error_of_few_rows_and_hardly_one_of_many():
    rng = np.random.default_rng(3)
    confidence = rng.uniform(0.5, 1, 20_000)
    few, many = evaluate.ece_by_chance(confidence[:90])[0], evaluate.ece_by_chance(confidence, draws=20)[0]
    assert few > 0.06 and many < 0.01
    assert evaluate.ece_by_chance(np.ones(50)) == (0, 0)


def test_calibrated_answers_lie_within_chance_and_boasting_ones_above_it():
    rng = np.random.default_rng(4)
    told = rng.uniform(0.6, 0.95, 150)
    probabilities = np.stack([told, 1 - told], 1)
    honest = evaluate.calibration((rng.random(150) > told).astype(int), probabilities)
    boasting = evaluate.calibration((rng.random(150) > told - 0.25).astype(int), probabilities)
    assert honest["ece"] <= honest["ece_chance"][1] and abs(honest["gap"]) < 0.1
    assert boasting["ece"] > boasting["ece_chance"][1] and 0.15 < boasting["gap"] < 0.35


def test_scores_count_per_label_and_pairs():
    gold = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    found = evaluate.scores(gold, probabilities, ("a", "b"))
    assert found["accuracy"] == 0.75
    assert found["per_label"]["a"] == {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "n": 2}
    assert found["pairs"] == [("a", "b", 1)]


def test_reliability_tells_by_tenths_what_is_told_and_what_is_right():
    probabilities = np.array([[0.95, 0.05], [0.93, 0.07], [0.45, 0.55], [1.0, 0.0]])
    found = evaluate.reliability(np.array([0, 1, 1, 0]), probabilities)
    assert [(row["from"], row["n"]) for row in found] == [(0.5, 1), (0.9, 3)]
    assert abs(found[1]["told"] - 0.96) < 1e-9 and abs(found[1]["right"] - 2 / 3) < 1e-9


def test_a_second_reader_counts_where_he_says_something_else():
    gold, second = np.array([0, 0, 1]), np.array([1, -1, 0])
    found = evaluate.scores(gold, np.array([[0.2, 0.8], [0.3, 0.7], [0.1, 0.9]]), ("a", "b"), second=second)
    assert found["either"] == {"apart": 2, "accuracy": 2 / 3} and found["accuracy"] == 1 / 3
    assert "either" not in evaluate.scores(gold, np.eye(2)[gold], ("a", "b"), second=np.array([-1, -1, -1]))


def test_coverage_falls_with_the_threshold():
    rows = evaluate.coverage(np.array([0, 1]), np.array([[0.95, 0.05], [0.45, 0.55]]))
    kept = {row["threshold"]: row["coverage"] for row in rows}
    assert kept[0.5] == 1 and kept[0.6] == 0.5
