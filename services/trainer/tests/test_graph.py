"""The ONNX graphs against the JAX encoder, number by number, on a small model of the same shape."""

import numpy as np
import onnxruntime as ort
import pytest

from trainer import complexity_scores, export_onnx, labels, quantize, shape
from trainer.calibrate import softmax
from trainer.encoder import embed

VOCABULARY, POSITIONS = 50, 40


@pytest.fixture(scope="module")
def params():
    return make_params()


def make_params():
    rng = np.random.default_rng(0)
    width, wide = shape.WIDTH, 4 * shape.WIDTH

    def linear(out, into):
        return rng.normal(0, 0.05, (out, into)).astype(np.float32)

    def vector(size, mean=0.0):
        return rng.normal(mean, 0.05, size).astype(np.float32)

    made = {
        "embeddings.word_embeddings.weight": linear(VOCABULARY, width), "embeddings.position_embeddings.weight": linear(POSITIONS, width),
        "embeddings.token_type_embeddings.weight": linear(2, width),
    }
    norms = ["embeddings.LayerNorm"]
    for index in range(shape.LAYERS):
        at = f"encoder.layer.{index}"
        norms += [f"{at}.attention.output.LayerNorm", f"{at}.output.LayerNorm"]
        for name, out, into in (
            ("attention.self.query", width, width), ("attention.self.key", width, width), ("attention.self.value", width, width),
            ("attention.output.dense", width, width), ("intermediate.dense", wide, width), ("output.dense", width, wide),
        ):
            made[f"{at}.{name}.weight"], made[f"{at}.{name}.bias"] = linear(out, into), vector(out)
    for name in norms:
        made[f"{name}.weight"], made[f"{name}.bias"] = vector(width, 1.0), vector(width)
    return made


def batch():
    ids = np.random.default_rng(1).integers(0, VOCABULARY, (3, 12))
    mask = np.ones_like(ids)
    mask[1, 7:] = mask[2, 1:] = 0
    return ids.astype(np.int64), mask.astype(np.int64)


def test_encoder_graph_equals_jax(params, tmp_path):
    export_onnx.export_encoder(params, tmp_path / "encoder.onnx")
    ids, mask = batch()
    session = ort.InferenceSession(str(tmp_path / "encoder.onnx"), providers=["CPUExecutionProvider"])
    got = session.run(None, {"INPUT_IDS": ids, "ATTENTION_MASK": mask})[0]
    want = np.asarray(embed(params, ids.astype(np.int32), mask.astype(np.int32)))
    assert got.shape == (3, shape.EMBEDDING)
    np.testing.assert_allclose(got, want, atol=2e-5)


def test_padding_changes_nothing(params, tmp_path):
    export_onnx.export_encoder(params, tmp_path / "encoder.onnx")
    ids, mask = batch()
    session = ort.InferenceSession(str(tmp_path / "encoder.onnx"), providers=["CPUExecutionProvider"])
    together = session.run(None, {"INPUT_IDS": ids, "ATTENTION_MASK": mask})[0]
    alone = session.run(None, {"INPUT_IDS": ids[1:2, :7], "ATTENTION_MASK": mask[1:2, :7]})[0]
    np.testing.assert_allclose(alone[0], together[1], atol=2e-5)


def test_int8_is_near_and_no_answer_depends_on_batch_mates_or_padding(params, tmp_path):
    export_onnx.export_encoder(params, tmp_path / "encoder.onnx")
    quantize.to_int8(tmp_path / "encoder.onnx", tmp_path / "small.onnx")
    ids, mask = batch()
    plain, small = (ort.InferenceSession(str(tmp_path / f"{name}.onnx"), providers=["CPUExecutionProvider"]) for name in ("encoder", "small"))
    together = small.run(None, {"INPUT_IDS": ids, "ATTENTION_MASK": mask})[0]
    want = plain.run(None, {"INPUT_IDS": ids, "ATTENTION_MASK": mask})[0]
    for row, length in enumerate(mask.sum(1)):
        assert np.corrcoef(together[row], want[row])[0, 1] > 0.99
        alone = small.run(None, {"INPUT_IDS": ids[row: row + 1, :length], "ATTENTION_MASK": mask[row: row + 1, :length]})[0]
        # A rounding of one step here and there: float sums come in another order.
        np.testing.assert_allclose(alone[0], together[row], atol=0.01)
    assert (tmp_path / "small.onnx").stat().st_size < 0.3 * (tmp_path / "encoder.onnx").stat().st_size


def head(tmp_path, weight, bias, temperature, tables=None):
    export_onnx.export_head(weight, bias, temperature, tmp_path / "head.onnx", tables)
    return ort.InferenceSession(str(tmp_path / "head.onnx"), providers=["CPUExecutionProvider"])


def test_head_gives_calibrated_probabilities(tmp_path):
    rng = np.random.default_rng(2)
    weight, bias, x = (rng.normal(size=s).astype(np.float32) for s in ((5, 8), (5,), (4, 8)))
    got = head(tmp_path, weight, bias, 1.7).run(None, {"EMBEDDING": x})[0]
    np.testing.assert_allclose(got, softmax(x @ weight.T + bias, 1.7), atol=1e-5)


def scored(tmp_path, logits):
    size = len(labels.COMPLEXITY)
    session = head(tmp_path, np.eye(size, dtype=np.float32), np.zeros(size, np.float32), 1.0, complexity_scores.tables(labels.COMPLEXITY))
    return dict(zip(complexity_scores.NAMES, session.run(["SCORES"], {"EMBEDDING": logits[None].astype(np.float32)})[0][0]))


def logits_of(**high):
    out = np.zeros(len(labels.COMPLEXITY))
    for name, value in high.items():
        out[labels.COMPLEXITY.index(name.replace("_", "-"))] = value
    return out


def test_routine_work_scores_near_zero(tmp_path):
    found = scored(tmp_path, logits_of(No_Label_Reason=8))
    assert found["prompt_complexity_score"] < 0.01 and found["no_label_reason"] > 0.99


def test_score_is_nvidias_weighted_sum(tmp_path):
    found = scored(tmp_path, logits_of(Creativity=1.0, Reasoning=2.0, Constraint=-1.0))
    want = (0.35 * found["creativity_scope"] + 0.25 * found["reasoning"] + 0.15 * found["constraint_ct"] + 0.15 * found["domain_knowledge"]
            + 0.05 * found["contextual_knowledge"] + 0.05 * found["number_of_few_shots"])
    assert found["prompt_complexity_score"] == pytest.approx(min(want, 1), abs=1e-5)


@pytest.mark.parametrize("label", complexity_scores.DIMENSIONS)
def test_a_dimension_rises_with_its_label(tmp_path, label):
    dimension, top, _ = complexity_scores.DIMENSIONS[label]
    values = []
    for value in (-4, 0, 4):
        logits = np.zeros(len(labels.COMPLEXITY))
        logits[labels.COMPLEXITY.index(label)] = value
        values.append(scored(tmp_path, logits)[dimension])
    assert 0 <= values[0] < values[1] < values[2] <= top
