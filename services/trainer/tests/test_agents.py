"""The temperature of what agents ask: fitted where it pays, told in the configurations, used in figures."""

import numpy as np
import pytest

from trainer import agents, repository
from trainer.calibrate import softmax, tempered
from trainer.data import read_jsonl


def answers(rows, boast, seed=0):
    """(probabilities, gold) of answers whose logits are `boast` times too large."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (rows, 5))
    return softmax(logits * boast), np.array([rng.choice(5, p=row) for row in softmax(logits)])


def test_finds_how_much_too_sure_answers_are_and_what_it_saves_on_other_rows():
    temperature, saved, error = agents.fit(*answers(600, 2), [str(row) for row in range(600)])
    assert temperature == pytest.approx(2, abs=0.25) and saved > 3 * error


def test_honest_answers_have_nothing_to_save():
    temperature, saved, error = agents.fit(*answers(600, 1), [str(row) for row in range(600)])
    assert temperature == pytest.approx(1, abs=0.15) and saved < error


def test_rows_of_one_passage_are_never_on_both_sides():
    told, gold = answers(60, 3)
    # All of one passage: whatever is fitted elsewhere has seen none of them, and there is nowhere else, so nothing can be saved.
    _, saved, _ = agents.fit(told, gold, ["same"] * 60)
    assert saved == pytest.approx(0, abs=1e-9)


def test_a_temperature_keeps_the_order_and_the_sum():
    told, _ = answers(50, 1)
    softer = tempered(told, 1.5)
    assert (softer.argsort(1) == told.argsort(1)).all() and softer.sum(1) == pytest.approx(np.ones(50))
    assert (softer.max(1) < told.max(1)).all() and tempered(told, 1) == pytest.approx(told)


def test_configurations_tell_it_once_and_forget_it(tmp_path):
    for kind in repository.KINDS:
        (tmp_path / f"mood_{kind}").mkdir()
        (tmp_path / f"mood_{kind}" / "config.pbtxt").write_text(f'name: "mood_{kind}"\nmax_batch_size: 8\n')
    assert repository.agent_temperature(tmp_path, "mood") == 1
    repository.tell_agents(tmp_path, "mood", 1.25)
    repository.tell_agents(tmp_path, "mood", 1.4222)
    assert repository.agent_temperature(tmp_path, "mood") == 1.422
    assert (tmp_path / "mood_details" / "config.pbtxt").read_text().count("value: { string_value") == 1
    repository.tell_agents(tmp_path, "mood", 1)
    assert (tmp_path / "mood_head" / "config.pbtxt").read_text() == 'name: "mood_head"\nmax_batch_size: 8\n'


def test_who_asks_is_read_from_the_prompts_of_bodies(tmp_path):
    path = tmp_path / "bodies.jsonl"
    path.write_text('{"prompt": "fix", "agent": true}\n{"prompt": "hi", "agent": false}\n{"prompt": "yo"}\n')
    assert [row.agent for row in read_jsonl(path)] == [True, False, False]
