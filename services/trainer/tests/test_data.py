"""Reading rows, and what must never reach training."""

import json

import pytest

from trainer import data
from trainer.data import Row


def row(prompt, source="own/a.jsonl"):
    return Row(prompt, "Chatbot", None, None, source)


def test_unknown_labels_are_refused_with_the_legal_ones(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"prompt": "x", "task": "Chat"}) + "\n")
    with pytest.raises(SystemExit, match="'Chat' is no task label; one of: Brainstorming, Chatbot"):
        data.read_jsonl(path)


def test_broken_lines_are_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "x"}\n{"text": "y"}\n')
    with pytest.raises(SystemExit, match="rows.jsonl:2"):
        data.read_jsonl(path)


def test_held_out_prompts_leave_the_training_rows():
    kept = data.without([row("Hello  there"), row("other")], [row("hello there")])
    assert [r.prompt for r in kept] == ["other"]


def test_prompts_on_one_passage_stay_on_one_side():
    passage = "The same long pasted passage, which several prompts ask different things about."
    rows = [row(f"{question}\n{passage}") for question in ("who?", "when?", "sum it up", "translate")]
    train, validation = data.validation_rows(rows)
    assert not train or not validation


def test_about_a_tenth_validates():
    train, validation = data.validation_rows([row(f"prompt number {i}") for i in range(2000)])
    assert 140 < len(validation) < 260 and len(train) + len(validation) == 2000


def test_own_prompts_carry_a_label_and_never_contradict_each_other():
    rows = [r for path in sorted((data.OWN / "own").glob("*.jsonl")) for r in data.read_jsonl(path)]
    labels_of = {}
    for r in rows:
        assert r.source.startswith("own/") and (r.task or r.complexity), r.prompt[:80]
        assert labels_of.setdefault(r.prompt, (r.task, r.complexity)) == (r.task, r.complexity), r.prompt[:80]
    assert len(rows) > 1000 and len(data.own_rows()) == len(labels_of)


def test_two_readings_that_differ_are_each_half_right():
    doubted = Row("sum it up as a table", "Rewrite", "No-Label-Reason", None, "own/a.jsonl", 2.0, second_task="Summarization")
    first, second = data.both_readings(doubted)
    assert (first.task, second.task) == ("Rewrite", "Summarization")
    assert first.complexity == second.complexity == "No-Label-Reason" and first.weight == second.weight == 1.0
    assert data.both_readings(row("hello")) == [row("hello")]
