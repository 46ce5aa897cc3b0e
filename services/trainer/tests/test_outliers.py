"""Texts that no label fits: what they are, and that training makes the heads doubt them."""

import jax
import numpy as np
import pytest

from trainer import batches, data, engine_jax, labels, outliers
from tests.test_graph import VOCABULARY
from tests.test_train import HEADS, Reader, a_batch, params, whole  # noqa: F401

WORDS = "invoice the summarize of cats please".split()


def test_they_repeat_themselves_by_seed_and_hold_no_sentence():
    made = outliers.rows(200, 3, WORDS)
    assert made == outliers.rows(200, 3, WORDS) and made != outliers.rows(200, 4, WORDS)
    assert all(row.prompt.strip() and row.source == "own/outliers" for row in made)
    scripts = [row for row in made if row.unsure and row.weight == 1]
    assert len(scripts) == 100
    ranges = list(outliers.SCRIPTS.values())
    for row in scripts:
        assert all(any(low <= ord(c) <= high for low, high in ranges) for c in row.prompt if c not in " .?:!")


def test_the_unreadable_is_half_unknown_and_half_anything():
    made = [row for row in outliers.rows(200, 3, WORDS) if row.weight == 0.5]
    even, named = [row for row in made if row.unsure], [row for row in made if not row.unsure]
    assert [row.prompt for row in even] == [row.prompt for row in named]
    assert all((row.task, row.complexity) == (None, None) for row in even)
    assert all((row.task, row.complexity) == ("Unknown", "No-Label-Reason") for row in named)


def test_a_batch_tells_them_apart_from_rows_without_a_label():
    rows = [
        data.Row("aaaaa", None, None, None, "own/outliers", 0.5, unsure=True), data.Row("bbbbb", "Chatbot", None, None, "own/x"),
    ]
    weights = {column: np.full(len(names), 3.0, np.float32) for column, names in HEADS.items()}
    (batch,) = batches.epoch(rows, HEADS, weights, Reader(), np.random.default_rng(0), limit=16, fixed=False)
    at = {int(batch.ids[i, 1]): i for i in range(2)}
    outlier, chat = (at[ord(letter) % VOCABULARY] for letter in "ab")
    assert batch.target["task"][outlier] == batch.target["complexity"][outlier] == batches.EVEN
    assert batch.weight["task"][outlier] == batch.weight["complexity"][outlier] == 0.5
    assert batch.target["task"][chat] == labels.TASK.index("Chatbot") and batch.weight["complexity"][chat] == 0


def test_their_loss_is_least_where_all_labels_are_alike(params):  # noqa: F811
    batch = a_batch()
    even = {column: np.full_like(gold, batches.EVEN) for column, gold in batch.target.items()}
    weight = {column: np.ones(len(batch.ids), np.float32) for column in HEADS}
    sure = whole(params)
    alike = {name: np.zeros_like(value) if name.startswith("head.") else value for name, value in sure.items()}
    least = sum(np.log(len(names)) for names in HEADS.values())
    # As training does it: compiled once for both, where each of its steps would be by itself.
    loss_of = jax.jit(engine_jax.loss_of)
    assert loss_of(alike, batch.ids, batch.mask, even, weight, None) == pytest.approx(least, rel=1e-5)
    assert loss_of(sure, batch.ids, batch.mask, even, weight, None) > least * 1.01
