"""Training: budgets that reach their end, and a run that goes on where it was stopped."""

import numpy as np
import pytest

from trainer import batches, checkpoint, data, engine_jax, labels, start_heads, train
from tests import test_graph
from tests.test_graph import VOCABULARY

HEADS = {"task": labels.TASK, "complexity": labels.COMPLEXITY}


@pytest.fixture(scope="module")
def params():
    """One layer is enough here, and compiles in seconds."""
    with pytest.MonkeyPatch.context() as one:
        one.setattr(test_graph.shape, "LAYERS", 1)
        return test_graph.make_params()


def whole(params, seed=3):
    rng = np.random.default_rng(seed)
    heads = {}
    for column, names in HEADS.items():
        heads[f"head.{column}.weight"] = rng.normal(0, 0.05, (len(names), 768)).astype(np.float32)
        heads[f"head.{column}.bias"] = np.zeros(len(names), np.float32)
    return {**params, **heads}


def a_batch(rows=8, tokens=16, seed=5):
    """Of the shape that `run` trains on, which is then compiled once for both."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, VOCABULARY, (rows, tokens)).astype(np.int32)
    mask = np.ones_like(ids)
    mask[0, 5:] = 0
    target = {column: rng.integers(0, len(names), rows).astype(np.int32) for column, names in HEADS.items()}
    weight = {column: np.ones(rows, np.float32) for column in HEADS}
    weight["task"][1] = 0
    return batches.Batch(ids, mask, target, weight)


def test_a_restored_engine_goes_on_as_if_it_had_not_been_stopped(params, tmp_path):
    first = engine_jax.Engine(whole(params), 0)
    first.step(a_batch(seed=1), 1e-3, 1e-3)
    checkpoint.save(tmp_path / "run.npz", "jax", first.state(), checkpoint.Progress(12.5, 2, 3, {"state": 7}))
    second = engine_jax.Engine(whole(params, seed=9), 0)
    state, progress = checkpoint.load(tmp_path / "run.npz", "jax")
    second.restore(state)
    assert progress == checkpoint.Progress(12.5, 2, 3, {"state": 7})
    assert first.step(a_batch(seed=2), 1e-3, 1e-3) == second.step(a_batch(seed=2), 1e-3, 1e-3)
    for name, value in first.weights().items():
        np.testing.assert_array_equal(second.weights()[name], value, err_msg=name)
    with pytest.raises(SystemExit, match="written by the jax engine: go on with --engine jax"):
        checkpoint.load(tmp_path / "run.npz", "torch")


class Reader:
    """A tokenizer of letters."""

    def encode_batch(self, texts):
        return [type("Item", (), {"ids": [1, *(ord(c) % VOCABULARY for c in text), 2]}) for text in texts]


ROWS = [data.Row("abcdefgh"[: 3 + i % 5] + "xyz"[i % 3], labels.TASK[i % 2], labels.COMPLEXITY[i % 3], None, "own/test") for i in range(40)]


@pytest.fixture
def run(params, tmp_path, monkeypatch):
    monkeypatch.setattr(train.base, "load_params", lambda _: dict(params))
    monkeypatch.setattr(train.tokens, "load_tokenizer", lambda _: Reader())
    monkeypatch.setattr(batches, "BUCKETS", ((16, 8),))
    monkeypatch.setattr(start_heads, "LIMIT", 16)
    lines = []

    def start(**options):
        return train.train(ROWS, tokenizer=tmp_path / "none", out=tmp_path / "w.npz", heads=HEADS, limit=16, log=lines.append, **options)

    return start, lines, tmp_path


def test_a_run_that_is_stopped_ends_where_one_in_one_go_does(run, monkeypatch):
    start, lines, folder = run
    whole_run = start(budget=train.Budget(epochs=2), rate=1e-3)
    written, heads = train.load(folder / "w.npz")
    assert heads == HEADS and set(written) == set(whole_run)
    assert any("to start from" in line for line in lines)
    for name in ("w.npz", "w.checkpoint.npz"):
        (folder / name).unlink()
    steps = iter(range(100))

    def broken_off(self):
        return next(steps) >= 3

    with monkeypatch.context() as stop:
        stop.setattr(train._Stop, "asked", property(broken_off, lambda self, value: None), raising=False)
        with pytest.raises(SystemExit, match="the same command goes on from"):
            start(budget=train.Budget(epochs=2), rate=1e-3)
    in_parts = start(budget=train.Budget(epochs=2), rate=1e-3)
    assert any("goes on from" in line for line in lines)
    for name, value in whole_run.items():
        np.testing.assert_allclose(in_parts[name], value, atol=1e-6, err_msg=name)


def test_minutes_are_counted_over_all_starts():
    budget = train.Budget(minutes=10)
    assert budget.progress(checkpoint.Progress(seconds=150), 0.9) == 0.25
    assert train.Budget(epochs=4).progress(checkpoint.Progress(epochs=1), 0.5) == 0.375


def test_the_rate_rises_falls_and_ends_low():
    rates = [train.rate_at(at) for at in np.linspace(0, 1, 101)]
    assert rates[0] < 0.2 and max(rates) > 0.99 and rates[-1] == pytest.approx(train.LOWEST)
    assert all(a >= b for a, b in zip(rates[6:], rates[7:]))


def test_shares_say_how_often_an_epoch_sees_a_row():
    rng = np.random.default_rng(0)
    shares = train.Shares(bodies=2.5, other_languages=2, shared=0.5, intent=0.25)
    rows = {
        "own": data.Row("a", "Chatbot", None, None, "own/x.jsonl", 2.0, lang="en"), "other": data.Row("b", "Chatbot", None, None, "own/x.jsonl", lang="ja"),
        "body": data.Row("c", "Chatbot", None, None, "own/bodies", kind="agent"), "shared": data.Row("d", "Chatbot", None, None, "dolly"),
        "intent": data.Row("e", None, None, "card_arrival", "banking77"),
    }
    assert {name: shares.of(row) for name, row in rows.items()} == {"own": 1, "other": 2, "body": 2.5, "shared": 0.5, "intent": 0.25}
    drawn = shares.draw(list(rows.values()) * 400, rng)
    assert len(drawn) == pytest.approx(400 * 6.25, rel=0.03)


@pytest.mark.parametrize("fixed", [True, False])
def test_every_row_is_in_one_batch(fixed):
    lengths = np.random.default_rng(1).integers(3, 257, 3000).tolist()
    chunks = batches.chunks_of(lengths, np.random.default_rng(2), fixed)
    assert sorted(i for _, members, _ in chunks for i in members) == list(range(3000))
    for length, members, size in chunks:
        assert max(lengths[i] for i in members) <= length and len(members) <= size
        if not fixed:
            assert size * length <= batches.MAX_TOKENS or size == 1


def test_heads_to_start_from_tell_the_labels_apart():
    rng = np.random.default_rng(4)
    gold = np.repeat([0, 2], 50)
    embeddings = rng.normal(0, 0.05, (100, 8)).astype(np.float32)
    embeddings[:, 1] += gold * 0.2
    weight, bias = start_heads.fit(embeddings, gold, 3)
    assert ((embeddings @ weight.T + bias).argmax(1) == gold).mean() > 0.95
