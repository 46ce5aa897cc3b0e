"""A label policy's table in a configuration file, filled where it stands."""

from pathlib import Path

import pytest

from trainer.rows import BadData
from trainer.value import table_file

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "v1.yaml"

MIXED = """# mine
targets:
  - { name: small, api_base: "http://x", model: s }
policies:
  - name: kinds
    url: http://box:8000/v2/models/kinds_ensemble/infer
    llms:
      - name: poem   # verse
        api_base: "https://a.example/v1"  # at home
        api_key: ${A_KEY}
        model: a/large
        rank: 2
      - name: sum

        model: 'b'
        api_base: https://b.example
      - { name: riddle, target: small }
      - name: essay
        target: small   # for now
      - name: code
        targets:
          - { target: small, weight: 1 }
  - name: worth
    kind: value
    url: grpc://box:8001/worth_ensemble
    targets: [small]
"""


def filled(tmp_path, content, policy, table):
    config = tmp_path / "router.yaml"
    config.write_text(content)
    return table_file.fill(config, policy, table), config.read_text()


def test_v1s_own_file_is_filled_with_the_models_that_it_names(tmp_path):
    before = SHIPPED.read_text()
    config = tmp_path / "v1.yaml"
    config.write_text(before)
    table_file.check(config, "task_router", ("meta/llama-3.1-8b-instruct", "deepseek-ai/deepseek-r1"))
    said, after = filled(tmp_path, before, "task_router", {"Brainstorming": "deepseek-ai/deepseek-r1", "Extraction": "meta/llama-3.1-8b-instruct"})
    assert "changed 1 of task_router's targets" in said and "Brainstorming: meta/llama-3.1-70b-instruct → deepseek-ai/deepseek-r1" in said
    assert after == before.replace("model: meta/llama-3.1-70b-instruct", "model: deepseek-ai/deepseek-r1", 1)
    assert filled(tmp_path, after, "task_router", {"Brainstorming": "deepseek-ai/deepseek-r1"})[0].endswith("says so already")


def test_an_entry_takes_over_all_that_names_the_other_upstream_and_nothing_else(tmp_path):
    said, after = filled(tmp_path, MIXED, "kinds", {"poem": "b", "sum": "a/large", "riddle": "b", "essay": "a/large", "code": "b"})
    assert "changed 3 of kinds's targets" in said and "poem: a/large → b; sum: b → a/large; essay: small → a/large" in said
    assert "left as they are, because one line with `target:` or `model:` is wanted: riddle, code" in said
    assert after == MIXED.replace(
        '        api_base: "https://a.example/v1"  # at home\n        api_key: ${A_KEY}\n        model: a/large\n        rank: 2\n',
        "        api_base: https://b.example  # at home\n        model: 'b'\n        rank: 2\n",
    ).replace(
        "\n        model: 'b'\n        api_base: https://b.example\n      - {", '\n        model: a/large\n        api_base: "https://a.example/v1"\n        api_key: ${A_KEY}\n      - {',
    ).replace(
        "      - name: essay\n        target: small   # for now\n", '      - name: essay\n        api_base: "https://a.example/v1"\n        api_key: ${A_KEY}\n        model: a/large\n')


def test_a_target_of_the_file_comes_before_an_entrys_own_model(tmp_path):
    _, after = filled(tmp_path, MIXED, "kinds", {"poem": "small"})
    assert "- name: poem   # verse\n        target: small\n        rank: 2\n" in after


def test_names_that_the_file_has_not_are_refused(tmp_path):
    config = tmp_path / "v1.yaml"
    config.write_text(SHIPPED.read_text())
    with pytest.raises(BadData, match=r"target\(s\) gpt-9 are neither targets of the file nor models of its entries; there: meta/llama"):
        table_file.check(config, "task_router", ("gpt-9", "deepseek-ai/deepseek-r1"))
