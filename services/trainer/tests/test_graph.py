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


SIZE = len(labels.COMPLEXITY)


def scored(tmp_path, logits, demands=()):
    """SCORES of an embedding that holds the logits of the labels and then what the prompt demands of each dimension."""
    weight = np.eye(SIZE, SIZE + len(complexity_scores.READ), dtype=np.float32)
    readings = complexity_scores.Readings(np.eye(len(complexity_scores.READ), weight.shape[1], SIZE, dtype=np.float32), np.full(5, 0.1, np.float32), 2.5)
    session = head(tmp_path, weight, np.zeros(SIZE, np.float32), 1.0, complexity_scores.tables(labels.COMPLEXITY, readings))
    x = np.concatenate([logits, demands or np.zeros(len(complexity_scores.READ))])[None].astype(np.float32)
    return dict(zip(complexity_scores.NAMES, session.run(["SCORES"], {"EMBEDDING": x})[0][0]))


def logits_of(**high):
    out = np.zeros(SIZE)
    for name, value in high.items():
        out[labels.COMPLEXITY.index(name.replace("_", "-"))] = value
    return out


def test_routine_work_scores_near_zero(tmp_path):
    found = scored(tmp_path, logits_of(No_Label_Reason=8), [-0.1] * 5)
    assert found["prompt_complexity_score"] < 0.01 and found["no_label_reason"] > 0.99


def test_score_is_nvidias_weighted_sum(tmp_path):
    found = scored(tmp_path, logits_of(Few_Shot=1.0), [0.2, 0.5, 0.1, 0.4, 0.3])
    want = (0.35 * found["creativity_scope"] + 0.25 * found["reasoning"] + 0.15 * found["constraint_ct"] + 0.15 * found["domain_knowledge"]
            + 0.05 * found["contextual_knowledge"] + 0.05 * found["number_of_few_shots"])
    assert found["number_of_few_shots"] > 1 and found["prompt_complexity_score"] == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("at, dimension", list(enumerate(complexity_scores.READ)))
def test_a_dimension_is_what_is_read_off_the_embedding_within_its_bounds(tmp_path, at, dimension):
    found = [scored(tmp_path, logits_of(), [value * (i == at) for i in range(5)])[dimension] for value in (-3, 0.3, 3)]
    assert found == pytest.approx([0, 0.4, 1], abs=1e-5)


def test_examples_are_counted_by_their_label_whatever_else_is_demanded(tmp_path):
    few = [scored(tmp_path, logits_of(Few_Shot=value), [1] * 5)["number_of_few_shots"] for value in (-6, 0, 6)]
    assert few == pytest.approx([0.006, 1.25, 2.494], abs=0.01)


def test_own_layers_on_hidden_states_give_what_the_whole_encoder_gives(params, tmp_path):
    first = shape.LAYERS - shape.OWN_LAYERS
    own = {name: value for name, value in params.items() if name.startswith("encoder.") and int(name.split(".")[2]) >= first}
    rng = np.random.default_rng(3)
    weight, bias = (rng.normal(size=s).astype(np.float32) for s in ((5, shape.EMBEDDING), (5,)))
    export_onnx.export_encoder(params, tmp_path / "encoder.onnx")
    export_onnx.export_own_layers(own, weight, bias, 1.3, tmp_path / "own.onnx")
    quantize.to_int8(tmp_path / "own.onnx", tmp_path / "own8.onnx")
    ids, mask = batch()
    encoder, plain, small = (ort.InferenceSession(str(tmp_path / f"{name}.onnx"), providers=["CPUExecutionProvider"]) for name in ("encoder", "own", "own8"))
    embedding, states = encoder.run(["EMBEDDING", "HIDDEN_STATES"], {"INPUT_IDS": ids, "ATTENTION_MASK": mask})
    got = plain.run(None, {"HIDDEN_STATES": states, "ATTENTION_MASK": mask})[0]
    np.testing.assert_allclose(got, softmax(embedding @ weight.T + bias, 1.3), atol=1e-4)
    for row, length in enumerate(mask.sum(1)):
        # Padding and batch mates add nothing.
        alone = plain.run(None, {"HIDDEN_STATES": states[row: row + 1, :length], "ATTENTION_MASK": mask[row: row + 1, :length]})[0]
        np.testing.assert_allclose(alone[0], got[row], atol=1e-4)
    assert np.abs(small.run(None, {"HIDDEN_STATES": states, "ATTENTION_MASK": mask})[0] - got).max() < 0.1
    assert (tmp_path / "own8.onnx").stat().st_size < 0.3 * (tmp_path / "own.onnx").stat().st_size


def test_half_precision_gives_states_too(params, tmp_path):
    export_onnx.export_encoder(params, tmp_path / "encoder.onnx")
    quantize.to_fp16(tmp_path / "encoder.onnx", tmp_path / "half.onnx")
    ids, mask = batch()
    plain, half = (
        ort.InferenceSession(str(tmp_path / f"{name}.onnx"), providers=["CPUExecutionProvider"])
        .run(["HIDDEN_STATES"], {"INPUT_IDS": ids, "ATTENTION_MASK": mask})[0] for name in ("encoder", "half"))
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, plain, atol=0.05)
