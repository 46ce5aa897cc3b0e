"""Noise does not get a sure answer from the committed models, and distances measure what they say."""

from pathlib import Path

import numpy as np
import pytest

from trainer import data, doubt, labels, outliers
from trainer.served import Encoder, Head

REPOSITORY = Path(__file__).resolve().parents[3] / "model_repository"
GIBBERISH = {"task": "Unknown", "complexity": "No-Label-Reason"}
"""The labels that the rules give to what cannot be read: to be sure of them is right."""


@pytest.fixture(scope="module")
def answers():
    texts = doubt.noise()[::2]
    embeddings = Encoder(REPOSITORY).embeddings(texts)
    return texts, {column: (Head(REPOSITORY, labels.POLICIES[column]), embeddings) for column in labels.HEADS}


@pytest.mark.parametrize("column", labels.HEADS)
def test_noise_gets_no_sure_answer_but_that_it_is_noise(answers, column):
    texts, heads = answers
    head, embeddings = heads[column]
    probabilities = head.run(embeddings)
    sure = [
        (text[:40], head.labels[row.argmax()], round(float(row.max()), 3))
        for text, row in zip(texts, probabilities) if row.max() > 0.9 and head.labels[row.argmax()] != GIBBERISH[column]
    ]
    assert len(sure) <= 0.02 * len(texts), sure


def test_noise_is_none_that_training_has_seen():
    taught = {row.prompt for row in outliers.rows(data.OUTLIERS, 1, "river because seven".split())}
    fresh = doubt.noise()
    assert len(fresh) > 300 and not taught & set(fresh)
    assert not set(outliers.SCRIPTS) & set(doubt.FRESH_SCRIPTS)


def test_shifted_prompts_are_not_trained_on():
    trained = {row.prompt for row in data.own_rows()}
    rows = doubt.shifted_rows()
    assert len({row.lang for row in rows}) == 25 and not trained & {row.prompt for row in rows}


def test_what_lies_apart_is_far_by_every_distance():
    rng = np.random.default_rng(0)
    known = np.zeros((500, 100))
    known[:, :70] = rng.normal(size=(500, 70)) + 1
    known += 1e-3 * rng.normal(size=known.shape)
    distances = doubt.Distances(known)
    apart = known[:5].copy()
    apart[:, 80:] += 8
    assert (distances.residual(apart) > distances.residual(known).max()).all()
    assert (distances.neighbours(apart) > distances.neighbours(known).max()).all()
    beyond = distances.mean + 9 * (known[:5] - distances.mean)
    assert (distances.mahalanobis(beyond) > distances.mahalanobis(known).max()).all()


def test_an_even_answer_is_doubted_more_than_a_sure_one():
    probabilities = np.array([[0.34, 0.33, 0.33], [0.9, 0.06, 0.04]])
    logits = np.array([[0.1, 0.0, 0.0], [6.0, 1.0, 0.5]])
    embeddings = np.random.default_rng(1).normal(size=(2, 80))
    found = doubt.signals(probabilities, logits, embeddings, np.zeros(2), doubt.Distances(np.random.default_rng(2).normal(size=(100, 80))))
    for name in ("1 − probability", "entropy", "1 − margin", "energy"):
        assert found[name][0] > found[name][1], name
