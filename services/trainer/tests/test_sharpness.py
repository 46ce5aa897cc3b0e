"""Calibration by group: a group that is surer than right is brought down alone, and the graph tells groups by itself."""

import numpy as np

from trainer import data, evaluate, sharpness
from trainer.calibrate import fit_temperature, softmax

WIDTH = 12


def made(count, seed, over=2.5):
    """Texts whose embedding tells their language group; answers of the last group's are `over` times too sure."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, count)
    embeddings = rng.normal(size=(count, WIDTH))
    embeddings[np.arange(count), group] += 6
    true = rng.normal(0, 2, (count, 5))
    gold = np.array([rng.choice(5, p=row) for row in softmax(true)])
    return embeddings, group, true * np.where(group == 2, over, 1.0)[:, None], gold


ROWS = {0: ("hello", "en"), 1: ("bonjour", "fr"), 2: ("привет", "ru")}


def test_a_group_that_is_too_sure_is_brought_down_alone():
    embeddings, group, _, _ = made(600, 0)
    rows = [data.Row(ROWS[g][0], None, None, None, "own/x", lang=ROWS[g][1], kind=("prompt", "agent", "pipeline", "chat")[i % 4]) for i, g in enumerate(group)]
    probed = sharpness.probes(embeddings, rows)
    found = sharpness.fit(*(made(3000, 1)[at] for at in (0, 2, 3)), probed)
    embeddings, group, logits, gold = made(3000, 2)
    last = group == 2
    assert np.median(found.of(embeddings)[last]) < 0.5 < 0.85 < np.median(found.of(embeddings)[~last])
    one = softmax(logits, fit_temperature(logits, gold))
    by_group = softmax(logits * found.of(embeddings))
    assert evaluate.ece(gold[last], by_group[last]) < 0.05 < evaluate.ece(gold[last], one[last])


def test_kinds_and_languages_have_their_group():
    assert [sharpness.kind_group(data.Row("x", None, None, None, "s", kind=kind)) for kind in ("prompt", "agent", "pipeline", "side", "new-topic")] == [0, 1, 2, 3, 3]
    assert [sharpness.language_group(data.Row(text, None, None, None, "s", lang=lang)) for text, lang in ROWS.values()] == [0, 1, 2]


def test_it_comes_back_from_its_file(tmp_path):
    embeddings, group, logits, gold = made(400, 3)
    rows = [data.Row(ROWS[g][0], None, None, None, "own/x", lang=ROWS[g][1], kind=("prompt", "agent", "pipeline", "chat")[i % 4]) for i, g in enumerate(group)]
    heads = {"task": sharpness.fit(embeddings, logits, gold, sharpness.probes(embeddings, rows)), "complexity": sharpness.Sharpness(0.7)}
    sharpness.save(tmp_path / "calibration.npz", heads)
    back = sharpness.load(tmp_path / "calibration.npz")
    for column, value in heads.items():
        np.testing.assert_array_equal(back[column].of(embeddings), value.of(embeddings))
