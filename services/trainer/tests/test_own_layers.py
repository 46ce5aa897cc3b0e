"""Layers of a policy's own: gradients, what the served graph gives, when they are taken, and going on after an end."""

import contextlib
import csv
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from trainer import cli, export_onnx, own_layers, own_layers_train, policy, policy_layers, quantize, resume
from trainer.own_layers_train import States
from trainer.served import Encoder, Head, newest
from trainer.value import candidates

REPOSITORY = Path(__file__).resolve().parents[3] / "model_repository"
BANK = Path(__file__).resolve().parent.parent / "data" / "examples" / "bank_support.csv"
TEXTS = ["my wallet was stolen last night, what now", "pin?", "the terminal in the shop refused my payment twice, and then the cash machine kept my card and I do not know why"]


@pytest.fixture(scope="module")
def weights():
    """The served last layers, with a head for four labels."""
    params = resume.encoder_params(newest(REPOSITORY / "prompt_encoder"))
    rng = np.random.default_rng(0)
    found = own_layers.from_encoder(params, own_layers.layers_before(params))
    assert {name: value.tolist() for name, value in own_layers.to_encoder(found).items() if value.ndim == 1} == {
        name: params[name].tolist() for name in own_layers.to_encoder(found) if params[name].ndim == 1}
    return found | {"head.weight": rng.normal(0, 0.3, (768, 4)).astype(np.float32), "head.bias": np.zeros(4, np.float32)}


def random_states(rows=24, seed=1):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 9, rows)
    return States(rng.normal(size=(lengths.sum(), 384)).astype(np.float16), lengths), rng.integers(0, 4, rows)


def test_gradients_are_those_of_the_loss(weights):
    exact = {name: value.astype(np.float64) for name, value in weights.items()}
    rng = np.random.default_rng(2)
    states, wanted, mask = rng.normal(size=(3, 5, 384)), rng.normal(size=(3, 768)), np.ones((3, 5))
    mask[1, 3:] = mask[2, 1:] = 0

    def value():
        return (own_layers.forward(exact, states, mask, is_rounded=False)[0] * wanted).sum()

    _, kept = own_layers.forward(exact, states, mask, is_rounded=False)
    grads, slope = own_layers.backward(exact, wanted, kept)
    assert set(grads) == {name for name in exact if not name.startswith("head.")}
    # What the mask hides has no say.
    assert slope.shape == states.shape and np.abs(slope[1, :3]).min() > 0
    assert not slope[1, 3:].any() and not slope[2, 1:].any()
    every, grads["states"] = exact | {"states": states}, slope
    for name in grads:
        at = tuple(rng.integers(size) for size in every[name].shape)
        if name.endswith("qkv.bias"):
            at = (7,)
        if name == "states":
            at = (1, 2, 300)
        before, step = every[name][at], 1e-5
        every[name][at] = before + step
        high = value()
        every[name][at] = before - step
        low = value()
        every[name][at] = before
        assert grads[name][at] == pytest.approx((high - low) / 2 / step, rel=1e-4, abs=1e-6), name


def test_what_is_trained_is_what_int8_serves(weights, tmp_path):
    states, _ = random_states()
    export_onnx.export_own_layers(own_layers.to_encoder(weights), weights["head.weight"].T, weights["head.bias"], 1.0, tmp_path / "plain.onnx")
    quantize.to_int8(tmp_path / "plain.onnx", tmp_path / "small.onnx")
    hidden, mask = states.batch(np.arange(24), states.starts)
    served = ort.InferenceSession(str(tmp_path / "small.onnx")).run(None, {"HIDDEN_STATES": hidden, "ATTENTION_MASK": mask.astype(np.int64)})[0]

    def probabilities(is_rounded):
        used = own_layers.rounded_weights(weights) if is_rounded else weights
        logits = own_layers.forward(used, hidden, mask, is_rounded)[0] @ weights["head.weight"] + weights["head.bias"]
        share = np.exp(logits - logits.max(1, keepdims=True))
        return share / share.sum(1, keepdims=True)

    off = np.abs(probabilities(True) - served).max(1)
    assert np.median(off) < 0.01 and off.max() < 0.1
    # Without the rounding it would be some other model's answers.
    assert np.median(np.abs(probabilities(False) - served).max(1)) > 3 * np.median(off)


def test_a_step_also_looks_at_each_row_where_it_is_hardest_nearby(weights):
    states, gold = random_states(8)
    hidden, mask = states.batch(np.arange(8), states.starts)
    wanted, stays = np.eye(4, dtype=np.float32)[gold], np.ones((8, 768), np.float32)
    loss, _, slope = own_layers.gradients(weights, hidden, mask, wanted, 8, stays)
    moved = own_layers_train._against(hidden, slope)
    size = lambda of: np.sqrt((of * of).sum((1, 2)))  # noqa: E731
    np.testing.assert_allclose(size(moved - hidden), own_layers_train.AGAINST * size(hidden), rtol=1e-4)
    # As far in a direction by lot it would be little harder.
    other = own_layers_train._against(hidden, np.random.default_rng(4).normal(size=hidden.shape).astype(np.float32))
    harder, by_lot = (own_layers.gradients(weights, states, mask, wanted, 8, stays)[0] - loss for states in (moved, other))
    assert harder > 0.1 and harder > 3 * abs(by_lot)
    # A row that nothing can make harder stays as it is.
    np.testing.assert_array_equal(own_layers_train._against(hidden, np.zeros_like(hidden)), hidden)


def test_training_learns_and_goes_on_where_it_was_ended(weights, tmp_path, monkeypatch):
    states, gold = random_states(48)
    # A label that can be seen: each shifts some of the numbers.
    for row, (start, length) in enumerate(zip(states.starts, states.lengths)):
        states.values[start: start + length, gold[row] * 20: gold[row] * 20 + 20] += 2
    rows = np.arange(48)
    monkeypatch.setattr(own_layers_train, "SAY_S", 0)
    monkeypatch.setattr(own_layers_train, "KEEP_S", 0)
    whole = own_layers_train.train(weights, states, gold, rows, 8, 3)
    keep = (tmp_path / "kept.npz", "this training")

    def end(message):
        if "75%" in message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        own_layers_train.train(weights, states, gold, rows, 8, 3, keep=keep, log=end)
    said = []
    again = own_layers_train.train(weights, states, gold, rows, 8, 3, keep=keep, log=said.append)
    assert "going on after 5 of 8 steps" in said[0]
    for name, value in whole.items():
        np.testing.assert_array_equal(again[name], value)
    said.clear()
    before = own_layers_train.train(weights, states, gold, rows, 8, 3, keep=keep, log=said.append)
    assert "trained before" in said[0]
    for name, value in whole.items():
        np.testing.assert_array_equal(before[name], value)
    hidden, mask = states.batch(rows, states.starts)
    right = [
        ((own_layers.forward(own_layers.rounded_weights(w), hidden, mask)[0] @ w["head.weight"] + w["head.bias"]).argmax(1) == gold).mean() for w in (weights, whole)]
    assert right[1] > right[0] + 0.2


def test_layers_are_taken_only_where_the_head_falls_behind_by_more_than_chance():
    gold = np.zeros(100, int)

    def logits(right):
        return np.stack([right, ~right], 1).astype(float)

    few, many = np.arange(100) < 60, np.arange(100) < 75
    assert policy_layers.compare(gold, logits(few), logits(many)).chance < 0.001
    assert policy_layers.compare(gold, logits(many), logits(few)).chance > 0.999
    assert policy_layers.compare(gold, logits(few), logits(np.arange(100) < 62)).chance == pytest.approx(0.25)
    assert policy_layers.compare(gold, logits(few), logits(few)).chance == 1


def test_few_rows_are_held_back_and_no_label_is_left_without_any():
    gold = np.repeat(np.arange(5), [2, 2, 40, 400, 4000])
    held = policy_layers.split(gold, 0)
    assert 0.08 < held.mean() < 0.12 and held.sum() <= policy_layers.MOST_HELD
    assert all(0 < held[gold == label].sum() < (gold == label).sum() for label in range(5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("models")
    for name in ("prompt_tokenizer", "prompt_encoder"):
        # Links: what is written takes the place of a folder, and 48 MB stay where they are.
        shutil.copytree(REPOSITORY / name, made / name, copy_function=os.symlink)
    return made


def run(folder, work, *more, name="bank_support"):
    return cli.main(["policy", "--name", name, "--data", str(BANK), "--repository", str(folder), "--work", str(work), *more])


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    """(work folder, what was printed) of bank_support with layers of its own: a training is seconds of a processor."""
    work, out = tmp_path_factory.mktemp("work"), io.StringIO()
    with pytest.MonkeyPatch.context() as fewer, contextlib.redirect_stdout(out):
        # Enough for these labels, which differ in their words.
        fewer.setattr(policy_layers, "MOST", 4)
        assert run(folder, work, "--layers", "2") == 0
    return work, out.getvalue()


def test_a_policy_with_layers_of_its_own_answers_alone_as_among_others(folder, trained):
    work, out = trained
    assert "a first training without the rows held back (about a minute on this machine), and then a second on all rows (about a minute for both)" in out
    assert "training the last 2 layers on 130 rows" in out and "20 rows held back" in out
    assert "once more, on all rows" in out and "training the last 2 layers on 150 rows" in out
    assert not list(work.glob("*.npz"))
    head, encoder = Head(folder, "bank_support"), Encoder(folder)
    assert head.has_layers
    together = head.probabilities(encoder, TEXTS)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-5)
    assert [head.labels[i] for i in together.argmax(1)] == ["card_lost_or_stolen", "forgotten_pin", "declined_payment"]
    for row, text in enumerate(TEXTS):
        assert np.abs(head.probabilities(encoder, [text])[0] - together[row]).max() < 0.01
    config = (folder / "bank_support_head" / "config.pbtxt").read_text()
    assert 'name: "HIDDEN_STATES" data_type: TYPE_FP32 dims: [ -1, 384 ]' in config
    assert (folder / "bank_support_head" / "1" / "model.onnx").stat().st_size < 4.5e6
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    # A value head's own table of labels reads embeddings, which this one does not.
    assert candidates.labels_of(folder, "bank_support") is None


def test_the_table_of_a_policy_with_layers_of_its_own_is_filled_by_what_it_says(folder, trained, tmp_path, capsys):
    with BANK.open(encoding="utf-8") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    head = Head(folder, "bank_support")
    said = head.probabilities(Encoder(folder), texts).argmax(1)
    # One target is good at the first label alone, the other at all else, and they cost the same.
    scores = [{"prompt": text, "target": target, "score": float((label == 0) == (target == "first")), "cost": 1e-5} for text, label in zip(texts, said) for target in ("first", "rest")]
    data = tmp_path / "evals.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in scores))
    assert cli.main(["fill", "--policy", "bank_support", "--data", str(data), "--repository", str(folder), "--work", str(tmp_path / "train"), "--json"]) == 0
    table = json.loads(capsys.readouterr().out.strip().split("\n")[-1])["table"]
    assert table == {label: "rest" if i else "first" for i, label in enumerate(head.labels)}
    assert cli.main(["fill", "--policy", "nope", "--data", str(data), "--repository", str(folder), "--work", str(tmp_path / "train")]) == 2
    assert "holds no nope_head; label policies there: bank_support" in capsys.readouterr().err


def test_few_texts_get_a_head_alone_and_so_do_those_that_layers_do_not_help(folder, tmp_path, capsys, monkeypatch):
    assert run(folder, tmp_path, name="few") == 0
    assert "training the last" not in capsys.readouterr().out
    monkeypatch.setattr(policy_layers, "MIN_ROWS", 100)
    # Layers that have learnt nothing.
    monkeypatch.setattr(own_layers_train, "train", lambda weights, *_rest, **_options: weights)
    assert run(folder, tmp_path, name="tried") == 0
    out = capsys.readouterr().out
    assert "where they are better than the head on these, a second on all rows" in out and "may be chance" in out
    assert not Head(folder, "few").has_layers and not Head(folder, "tried").has_layers


def test_an_encoder_without_states_gets_a_head_and_layers_are_refused(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Encoder, "gives_states", property(lambda _: False))
    assert run(folder, tmp_path, "--layers", "2", name="other") == 2
    assert "gives no HIDDEN_STATES" in capsys.readouterr().err
    monkeypatch.setattr(policy_layers, "MIN_ROWS", 100)
    assert run(folder, tmp_path, name="other") == 0
    assert not Head(folder, "other").has_layers
