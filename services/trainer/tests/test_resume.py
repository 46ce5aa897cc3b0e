"""Training can go on from what is served."""

import os
import shutil

import numpy as np
import onnxruntime as ort
import pytest

from trainer import cli, complexity_scores, export_onnx, labels, quantize, repository, resume
from trainer.encoder import embed
from tests.test_graph import params  # noqa: F401  (a fixture)


@pytest.fixture(scope="module")
def made(params, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("served")
    export_onnx.export_encoder(params, folder / "plain.onnx")
    quantize.to_int8(folder / "plain.onnx", folder / "small.onnx")
    repository.install_encoder(folder / "models", folder / "small.onnx")
    rng = np.random.default_rng(2)
    heads = {}
    for column, names in labels.HEADS.items():
        weight, bias = rng.normal(0, 1, (len(names), 768)).astype(np.float32), rng.normal(0, 1, len(names)).astype(np.float32)
        heads[column] = (weight, bias)
        readings = complexity_scores.Readings(rng.normal(0, 1, (5, 768)).astype(np.float32), np.zeros(5, np.float32), 2.0)
        repository.write_policy(folder / "models", labels.POLICIES[column], names, weight, bias, 0.5, readings if column == "complexity" else None)
    return folder, heads


@pytest.fixture
def served(made, tmp_path):
    """Each test has one of its own; its files are links, as what is written takes the place of a folder."""
    folder, heads = made
    return shutil.copytree(folder, tmp_path / "served", copy_function=os.symlink) / "models", heads


def test_weights_come_back_within_half_a_step(params, served):  # noqa: F811
    folder, heads = served
    found = resume.params(folder, params, labels.HEADS)
    assert set(found) == set(params) | {f"head.{column}.{part}" for column in heads for part in ("weight", "bias")}
    # Keys' and values' biases come back within the bias of what follows them.
    moved = ("attention.self.key.bias", "attention.self.value.bias", "attention.output.dense.bias")
    for name, value in params.items():
        if name.endswith(moved):
            continue
        steps = np.abs(value).max() / 63 if value.ndim == 2 and name.startswith("encoder.") else 1e-6
        assert found[name].shape == value.shape, name
        np.testing.assert_allclose(found[name], value, atol=steps * 0.51, err_msg=name)
    ids, mask = np.array([[1, 20, 7, 2]]), np.ones((1, 4), np.int32)
    assert np.corrcoef(np.ravel(embed(found, ids, mask)), np.ravel(embed(params, ids, mask)))[0, 1] > 0.99
    for column, (weight, bias) in heads.items():
        np.testing.assert_allclose(found[f"head.{column}.weight"], weight / 0.5, rtol=1e-5)
        np.testing.assert_allclose(found[f"head.{column}.bias"], bias / 0.5, rtol=1e-5)


def test_another_order_of_labels_is_refused(params, served):  # noqa: F811
    folder, _ = served
    with pytest.raises(SystemExit, match="other labels"):
        resume.params(folder, params, {"task": labels.TASK[::-1]})


def test_a_repository_becomes_half_precision_and_answers_the_same(served):
    folder, _ = served
    assert cli.main(["precision", "--to", "fp16", "--repository", str(folder)]) == 0
    half, plain = folder / "prompt_encoder" / "1" / "model.onnx", folder.parent / "plain.onnx"
    feeds = {"INPUT_IDS": np.array([[1, 20, 7, 2]], np.int64), "ATTENTION_MASK": np.ones((1, 4), np.int64)}
    answers = [
        ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(["EMBEDDING"], feeds)[0]
        for path in (half, plain)
    ]
    assert half.stat().st_size < 0.6 * plain.stat().st_size
    # As near as int8 weights are to the plain ones.
    assert np.corrcoef(answers[0].ravel(), answers[1].ravel())[0, 1] > 0.99
    # What is half precision is read, too: as itself, and for layers of a policy's own.
    weights = resume.encoder_params(half)
    assert all(value.dtype == np.float32 for value in weights.values())
    for to in ("fp16", "fp32"):
        assert cli.main(["precision", "--to", to, "--repository", str(folder)]) == 0
    again = resume.encoder_params(folder / "prompt_encoder" / "1" / "model.onnx")
    assert set(again) == set(weights)
    for name, value in weights.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)
