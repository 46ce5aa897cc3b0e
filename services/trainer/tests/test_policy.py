"""`policy`, whole: on a repository with a tiny encoder, from CSV to a head that answers."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from trainer import cli, repository
from trainer.served import Encoder, Head

TOKENIZER = Path(__file__).resolve().parents[3] / "model_repository" / "prompt_tokenizer" / "1" / "tokenizer.json"
WIDTH = 24


def tiny_encoder(path):
    """Mean of random word vectors: enough to tell words apart, and quick."""
    words = np.random.default_rng(0).normal(size=(Tokenizer.from_file(str(TOKENIZER)).get_vocab_size(), WIDTH)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["words", "INPUT_IDS"], ["x"]),
        helper.make_node("Cast", ["ATTENTION_MASK"], ["m"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["m", "two"], ["wide"]),
        helper.make_node("Mul", ["x", "wide"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "one"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["wide", "one"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["EMBEDDING"]),
    ]
    graph = helper.make_graph(
        nodes, "tiny", [helper.make_tensor_value_info(n, TensorProto.INT64, ["r", "t"]) for n in ("INPUT_IDS", "ATTENTION_MASK")],
        [helper.make_tensor_value_info("EMBEDDING", TensorProto.FLOAT, ["r", WIDTH])],
        [numpy_helper.from_array(words, "words"), numpy_helper.from_array(np.array([2]), "two"), numpy_helper.from_array(np.array([1]), "one")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, str(path))


@pytest.fixture(scope="session")
def a_repository(tmp_path_factory):
    work = tmp_path_factory.mktemp("tiny")
    made = work / "repository"
    (made / "prompt_tokenizer" / "1").mkdir(parents=True)
    shutil.copyfile(TOKENIZER, made / "prompt_tokenizer" / "1" / "tokenizer.json")
    tiny_encoder(work / "tiny.onnx")
    repository.install_encoder(made, work / "tiny.onnx")
    return made


@pytest.fixture
def folder(a_repository, tmp_path):
    """Each test has one of its own; its files are links, as what is written takes the place of a folder."""
    return shutil.copytree(a_repository, tmp_path / "repository", copy_function=os.symlink)


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "pets.csv"
    rows = [(f"my {w} number {i} {verb}", w) for i in range(8) for w, verb in (("cat", "purrs"), ("dog", "barks"), ("fish: big", "swims"))]
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return path


def run(folder, data, *more, name="pet_router"):
    return cli.main(["policy", "--name", name, "--data", str(data), "--repository", str(folder), *more])


def snapshot(folder):
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*")}


def test_trains_a_head_that_answers(folder, data, capsys):
    assert run(folder, data) == 0
    head = Head(folder, "pet_router")
    assert head.labels == ("cat", "dog", "fish: big")
    probabilities = head.run(Encoder(folder).embeddings(["the dog barks", "a cat purrs"]))
    assert probabilities.argmax(1).tolist() == [1, 0]
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    out = capsys.readouterr().out
    assert "cross-validated: 24 rows" in out
    assert '- name: "fish: big"' in out
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_adds_the_stanza_and_keeps_the_rest_of_the_file(folder, data, tmp_path, capsys):
    config = tmp_path / "router.yaml"
    config.write_text("# mine\npolicies:\n  - name: old\n    url: grpc://box:9001/old_ensemble\n    llms:\n      - name: a\n        target: big\n\nserver:\n  port: 1\n")
    assert run(folder, data, "--config", str(config), "--route", "dog=small") == 0
    text = config.read_text()
    assert text.startswith("# mine\npolicies:\n  - name: old\n") and text.endswith("\nserver:\n  port: 1\n")
    assert "  - name: pet_router\n    url: grpc://box:9001/pet_router_ensemble\n" in text
    assert "      - name: dog\n        target: small\n" in text and "      - name: cat\n        target: big\n" in text
    assert run(folder, data, "--config", str(config)) == 0
    assert config.read_text() == text
    assert "already" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["Intent", "1st", "a-b", "../x", "prompt_encoder", "x_head", "task_router"])
def test_refuses_names_that_would_break_something(folder, data, name, capsys):
    before = snapshot(folder)
    assert run(folder, data, name=name) == 2
    assert "--name" in capsys.readouterr().err
    assert snapshot(folder) == before


def test_bad_data_changes_nothing(folder, tmp_path, capsys):
    before = snapshot(folder)
    path = tmp_path / "bad.csv"
    path.write_text("text,label\nx,a\ny,\n")
    assert run(folder, path) == 2
    assert "empty label" in capsys.readouterr().err
    assert snapshot(folder) == before


def test_unknown_route_label_is_refused(folder, data, capsys):
    assert run(folder, data, "--route", "bird=x") == 2
    assert "no such label" in capsys.readouterr().err


def test_config_without_policies_is_refused_before_training(folder, data, tmp_path, capsys):
    config = tmp_path / "x.yaml"
    config.write_text("server: {}\n")
    assert run(folder, data, "--config", str(config)) == 2
    assert not (folder / "pet_router_head").exists()


TARGETS = "targets:\n  - { name: small, api_base: http://h:1, model: m }\n  - name: \"big one\"\n    model: n\n"
TABLE = "policies:\n  - name: old\n    llms:\n      - { name: a, target: small }\n"


@pytest.mark.parametrize(("text", "more", "words"), [
    (TARGETS + TABLE, ["--target", "nope"], "no target 'nope'; there: small, big one"),
    (TARGETS + TABLE, ["--route", "dog=smal"], "no target 'smal'; there: small, big one"),
    ("policies:\n  - name: old\n    llms:\n      - name: a\n        api_base: http://h:1\n        model: m\n", [], "no 'targets:'"),
])
def test_a_file_that_would_not_pass_is_refused_before_training(folder, data, tmp_path, capsys, text, more, words):
    config = tmp_path / "router.yaml"
    config.write_text(text)
    assert run(folder, data, "--config", str(config), *more) == 2
    assert words in capsys.readouterr().err
    assert config.read_text() == text and not (folder / "pet_router_head").exists()


@pytest.mark.parametrize(("text", "rest"), [(TARGETS + TABLE, "small"), (TARGETS + "policies: # none yet\n", "small")])
def test_targets_that_the_file_has_are_taken(folder, data, tmp_path, text, rest):
    config = tmp_path / "router.yaml"
    config.write_text(text)
    assert run(folder, data, "--config", str(config), "--route", "dog=big one") == 0
    assert f"name: cat\n        target: {rest}\n" in config.read_text() and "name: dog\n        target: big one\n" in config.read_text()


def test_two_labels_work_too(folder, tmp_path):
    path = tmp_path / "two.jsonl"
    path.write_text("".join(json.dumps({"text": f"{w} {i}", "label": w}) + "\n" for i in range(6) for w in ("yes", "no")))
    assert run(folder, path, name="two_router") == 0
    assert Head(folder, "two_router").run(Encoder(folder).embeddings(["yes indeed"])).argmax() == 1


def test_training_again_replaces_the_head_whole(folder, data):
    assert run(folder, data) == 0
    first = (folder / "pet_router_head" / "labels.txt").read_text()
    data.write_text(data.read_text().replace(",cat", ",kitten"))
    assert run(folder, data) == 0
    assert (folder / "pet_router_head" / "labels.txt").read_text() != first
    # Another version, so that no router takes a decision of the first head for one of the second.
    assert sorted(p.name for p in (folder / "pet_router_head").iterdir()) == ["2", "config.pbtxt", "labels.txt"]
    assert all((folder / f"pet_router_{kind}" / "2").is_dir() for kind in ("details", "ensemble"))


def test_features_that_hardly_vary_do_not_outvote_those_that_tell(folder):
    # int8's rounding is all that half of an embedding may hold.
    from trainer import policy

    rng = np.random.default_rng(0)
    gold = np.repeat(np.arange(4), 60)
    telling = rng.normal(size=(4, 12))[gold] + 0.7 * rng.normal(size=(240, 12))
    x = np.concatenate([telling, 0.02 * rng.normal(size=(240, 400))], 1).astype(np.float32)
    even = np.arange(240) % 2 == 0
    head = policy.fit(x[even], gold[even], 4, 0.03)
    # .76 with each feature standardised.
    assert (head.logits(x[~even]).argmax(1) == gold[~even]).mean() > 0.95
