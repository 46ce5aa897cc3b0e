"""NVIDIA's classifier, converted from a tiny randomly initialised checkpoint, against the numpy reference."""

import json
import shutil
from pathlib import Path

import deberta_reference as reference
import numpy as np
import onnxruntime as ort
import pytest
from safetensors.numpy import save_file

from trainer import cli, labels, nvidia_graph
from trainer.nvidia_convert import LABEL_OF, SHARES

TOKENIZER = Path(__file__).resolve().parents[3] / "model_repository" / "prompt_tokenizer" / "1" / "tokenizer.json"
WIDTH, HEADS, BUCKETS, POSITIONS, LAYERS, VOCABULARY = 16, 2, 8, 24, 2, 60
SIZES = {"task_type": 12, "creativity_scope": 3, "reasoning": 2, "contextual_knowledge": 2, "number_of_few_shots": 6, "domain_knowledge": 4,
         "no_label_reason": 1, "constraint_ct": 2}
TASKS = ["Open QA", "Closed QA", "Summarization", "Text Generation", "Code Generation", "Chatbot", "Classification", "Rewrite", "Brainstorming",
         "Extraction", "Other", "Unknown"]
CONFIG = {
    "target_sizes": SIZES, "task_type_map": {str(i): name for i, name in enumerate(TASKS)},
    "weights_map": {"creativity_scope": [2, 1, 0], "reasoning": [0, 1], "contextual_knowledge": [0, 1], "number_of_few_shots": [0, 1, 2, 3, 4, 5],
                    "domain_knowledge": [3, 1, 2, 0], "no_label_reason": [0], "constraint_ct": [1, 0]},
    "divisor_map": {"creativity_scope": 2, "reasoning": 1, "contextual_knowledge": 1, "number_of_few_shots": 1, "domain_knowledge": 3,
                    "no_label_reason": 1, "constraint_ct": 1},
    "num_attention_heads": HEADS, "max_position_embeddings": POSITIONS, "position_buckets": BUCKETS, "layer_norm_eps": 1e-7,
}


def weights():
    rng = np.random.default_rng(3)

    def normal(*shape, mean=0.0, deviation=0.3):
        return rng.normal(mean, deviation, shape).astype(np.float32)

    out = {"embeddings.word_embeddings.weight": normal(VOCABULARY, WIDTH), "encoder.rel_embeddings.weight": normal(2 * BUCKETS, WIDTH)}
    norms = ["embeddings.LayerNorm", "encoder.LayerNorm"]
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        norms += [f"{at}.attention.output.LayerNorm", f"{at}.output.LayerNorm"]
        for name, rows, columns in (
            ("attention.self.query_proj", WIDTH, WIDTH), ("attention.self.key_proj", WIDTH, WIDTH), ("attention.self.value_proj", WIDTH, WIDTH),
            ("attention.output.dense", WIDTH, WIDTH), ("intermediate.dense", 40, WIDTH), ("output.dense", WIDTH, 40),
        ):
            out[f"{at}.{name}.weight"], out[f"{at}.{name}.bias"] = normal(rows, columns), normal(rows)
    for name in norms:
        out[f"{name}.weight"], out[f"{name}.bias"] = normal(WIDTH, mean=1.0, deviation=0.1), normal(WIDTH)
    heads = {}
    for i, size in enumerate(SIZES.values()):
        heads[f"head_{i}.fc.weight"], heads[f"head_{i}.fc.bias"] = normal(size, WIDTH), normal(size)
    return out, heads


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    base = tmp_path_factory.mktemp("nvidia")
    source, target = base / "hf", base / "repository"
    source.mkdir()
    target.mkdir()
    backbone, heads = weights()
    save_file({**{f"backbone.{n}": v for n, v in backbone.items()}, **heads}, str(source / "model.safetensors"))
    (source / "config.json").write_text(json.dumps(CONFIG))
    shutil.copyfile(TOKENIZER, source / "tokenizer.json")
    assert cli.main(["convert", "--source", str(source), "--repository", str(target)]) == 0
    return target, backbone, heads


def session(target, name):
    return ort.InferenceSession(str(target / name / "1" / "model.onnx"), providers=["CPUExecutionProvider"])


def rows():
    """Ids long enough to need logarithmic buckets, padded to one length."""
    rng = np.random.default_rng(4)
    texts = [rng.integers(3, VOCABULARY, n) for n in (22, 5, 1)]
    ids, mask = np.zeros((3, 22), np.int64), np.zeros((3, 22), np.int64)
    for i, text in enumerate(texts):
        ids[i, : len(text)], mask[i, : len(text)] = text, 1
    return texts, ids, mask


def test_encoder_equals_the_reference(converted):
    target, backbone, _ = converted
    texts, ids, mask = rows()
    got = session(target, "nvidia_encoder").run(None, {"INPUT_IDS": ids, "ATTENTION_MASK": mask})[0]
    want = [reference.embed(backbone, text, HEADS, BUCKETS, POSITIONS, 1e-7) for text in texts]
    np.testing.assert_allclose(got, want, atol=2e-5)


def test_buckets_equal_the_reference():
    far = np.arange(-511, 512)
    assert nvidia_graph.bucket_of(far, 256, 512).tolist() == [reference.log_bucket(int(d), 256, 512) for d in far]


def expected_scores(heads, embedding):
    scores = {}
    for i, name in enumerate(SIZES):
        if name == "task_type":
            continue
        p = reference.softmax(heads[f"head_{i}.fc.weight"] @ embedding + heads[f"head_{i}.fc.bias"])
        value = float(p @ np.array(CONFIG["weights_map"][name])) / CONFIG["divisor_map"][name]
        scores[name] = 0.0 if name == "number_of_few_shots" and value < 0.05 else value
    scores["prompt_complexity_score"] = sum(SHARES[name] * scores[name] for name in SHARES)
    return scores


def test_scores_and_tasks_equal_the_reference(converted):
    target, _, heads = converted
    embedding = np.random.default_rng(5).normal(size=(6, WIDTH)).astype(np.float32)
    task = session(target, "nvidia_task_router_head").run(None, {"EMBEDDING": embedding})[0]
    _, scores = session(target, "nvidia_complexity_router_head").run(["OUTPUT", "SCORES"], {"EMBEDDING": embedding})
    names = (target / "nvidia_complexity_router_head" / "scores.txt").read_text().split()
    for i, row in enumerate(embedding):
        p = reference.softmax(heads["head_0.fc.weight"] @ row + heads["head_0.fc.bias"])
        np.testing.assert_allclose(task[i], [p[TASKS.index(name)] for name in labels.TASK], atol=1e-5)
        want = expected_scores(heads, row)
        np.testing.assert_allclose(scores[i], [want[name] for name in names], atol=1e-5)


def test_complexity_output_lets_every_label_win(converted):
    target, _, _ = converted
    embedding = np.random.default_rng(6).normal(size=(4, WIDTH)).astype(np.float32)
    output, scores = session(target, "nvidia_complexity_router_head").run(["OUTPUT", "SCORES"], {"EMBEDDING": embedding})
    np.testing.assert_allclose(output.sum(1), 1, atol=1e-5)
    names = (target / "nvidia_complexity_router_head" / "scores.txt").read_text().split()
    few = labels.COMPLEXITY.index("Few-Shot")
    reasoning = labels.COMPLEXITY.index("Reasoning")
    ratio = (scores[:, names.index("number_of_few_shots")] / 5) / scores[:, names.index("reasoning")]
    np.testing.assert_allclose(output[:, few] / output[:, reasoning], ratio, rtol=1e-3)
    assert set(LABEL_OF.values()) == set(labels.COMPLEXITY)


def test_no_label_reason_wins_where_nothing_else_applies(tmp_path):
    from trainer.nvidia_graph import Dimension, export_complexity_head

    def two(applies):
        return Dimension(np.zeros((2, 1), np.float32), np.array([-5, 5] if applies else [5, -5], np.float32), np.array([0, 1.0]), 1.0, 0.25)

    single = Dimension(np.zeros((1, 1), np.float32), np.zeros(1, np.float32), np.array([0.0]), 1.0, 0.0)
    for applies, winner in ((True, 0), (False, 1)):
        export_complexity_head([two(applies), single, two(False)], tmp_path / "head.onnx")
        made = ort.InferenceSession(str(tmp_path / "head.onnx"), providers=["CPUExecutionProvider"])
        assert made.run(["OUTPUT"], {"EMBEDDING": np.zeros((1, 1), np.float32)})[0].argmax() == winner


def test_half_precision_stays_close(converted, tmp_path):
    from trainer import quantize

    target, _, _ = converted
    _, ids, mask = rows()
    plain = target / "nvidia_encoder" / "1" / "model.onnx"
    quantize.to_fp16(plain, tmp_path / "half.onnx")
    half = ort.InferenceSession(str(tmp_path / "half.onnx"), providers=["CPUExecutionProvider"])
    feeds = {"INPUT_IDS": ids, "ATTENTION_MASK": mask}
    want = session(target, "nvidia_encoder").run(None, feeds)[0]
    np.testing.assert_allclose(half.run(None, feeds)[0], want, atol=2e-2)


def test_another_model_is_refused_by_name(tmp_path, capsys):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert cli.main(["convert", "--source", str(tmp_path), "--repository", str(tmp_path / "r")]) == 2
    assert "target_sizes" in capsys.readouterr().err
