"""Others' files in our form."""

import json

import pytest

from trainer import cli
from trainer.value import prices, read


def brought(tmp_path, source, *files, out="evals.jsonl"):
    return cli.main(["import-evals", "--from", source, *(part for file in files for part in ("--file", str(file))), "--out", str(tmp_path / out), "--date", "2026-11-29"])


def rows(tmp_path):
    return [json.loads(line) for line in (tmp_path / "evals.jsonl").read_text().splitlines()]


def test_routellm(tmp_path, capsys):
    file = tmp_path / "mmlu_anatomy.csv"
    file.write_text('prompt,mixtral,gpt-4,note\n"a, b",True,False,x\nc,,True,y\n')
    assert brought(tmp_path, "routellm", file) == 0
    assert rows(tmp_path) == [
        {"prompt": "a, b", "target": "mixtral", "score": 1.0, "group": "anatomy"}, {"prompt": "a, b", "target": "gpt-4", "score": 0.0, "group": "anatomy"},
        {"prompt": "c", "target": "gpt-4", "score": 1.0, "group": "anatomy"},
    ]
    assert "column 'note' holds no right or wrong" in capsys.readouterr().err


def test_routerbench(tmp_path, capsys):
    file = tmp_path / "wide.csv"
    file.write_text('sample_id,prompt,eval_name,gpt-4,gpt-4|model_response,gpt-4|total_cost,yi,yi|model_response,yi|total_cost\n1,"[""q""]",arc,1.0,x,0.002,none,y,0.0001\n')
    assert brought(tmp_path, "routerbench", file) == 0
    assert rows(tmp_path) == [{"prompt": "q", "target": "gpt-4", "score": 1.0, "cost": 0.002, "group": "arc"}]
    assert "wide.csv:2: score of yi is 'none', no number" in capsys.readouterr().err


def test_a_cost_that_is_none_is_told_and_the_score_kept(tmp_path, capsys):
    file = tmp_path / "wide.csv"
    file.write_text("prompt,a,a|total_cost,b,b|total_cost,c,c|total_cost,d,d|total_cost\np,1,free,1,-2,1,inf,1,\n")
    assert brought(tmp_path, "routerbench", file) == 0
    assert rows(tmp_path) == [{"prompt": "p", "target": target, "score": 1.0} for target in "abcd"]
    err = capsys.readouterr().err
    assert all(f"wide.csv:2: cost of {target} is '{cost}', no amount of USD" in err for target, cost in (("a", "free"), ("b", "-2"), ("c", "inf")))
    assert "cost of d" not in err


def test_notdiamond_and_what_we_read_of_it(tmp_path):
    file = tmp_path / "nd.csv"
    lines = [f"q{i},r,{i % 2},r,{(i + 1) % 2}" for i in range(60)]
    file.write_text("prompt,openai/a/response,openai/a/score,b/response,b\n" + "\n".join(lines) + "\n")
    assert brought(tmp_path, "notdiamond", file) == 0
    assert read.read(tmp_path / "evals.jsonl").targets == ("b", "openai/a")


def test_llmrouterbench(tmp_path):
    file = tmp_path / "m.json"
    file.write_text(json.dumps({"model_name": "m", "dataset_name": "aime", "records": [{"prompt": "p", "score": 1, "cost": 0.1, "completion_tokens": 9}]}))
    assert brought(tmp_path, "llmrouterbench", file, out="evals.jsonl") == 0
    assert rows(tmp_path) == [{"prompt": "p", "target": "m", "score": 1.0, "cost": 0.1, "output_tokens": 9, "group": "aime"}]


def test_prices_of_litellm_and_openrouter_take_the_place_of_the_shipped_list(tmp_path, capsys):
    lite, router = tmp_path / "lite.json", tmp_path / "router.json"
    lite.write_text(json.dumps({"sample_spec": {}, "gpt-x": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "cache_read_input_token_cost": 1e-7}, "img": {"mode": "image"}}))
    router.write_text(json.dumps({"data": [{"id": "maker/y", "pricing": {"prompt": "0.0000005", "completion": "0.000001"}}, {"id": "auto", "pricing": {"prompt": "-1", "completion": "-1"}}]}))
    assert brought(tmp_path, "prices", lite, out="a.json") == 0 and brought(tmp_path, "prices", router, out="b.json") == 0
    assert json.loads((tmp_path / "a.json").read_text())["prices"] == {"gpt-x": {"input": 1.0, "output": 2.0, "cached_input": 0.1}}
    assert prices.by_name(("y",), prices.read(tmp_path / "b.json"))["y"].output == 1.0
    err = capsys.readouterr().err
    assert "left out: img: no price a token" in err and "left out: auto: no price a token" in err


def test_the_shipped_list_has_a_day_and_a_name_of_two_prices_is_no_price():
    listed = prices.listed()
    assert len(listed) > 50 and prices.shipped_date().startswith("20")
    assert prices.by_name(("nvidia/llama-3.1-nemotron-51b-instruct",), listed)
    two = {"a/m": prices.Price(1, 2), "b/m": prices.Price(1, 3)}
    assert prices.by_name(("m",), two) == {} and prices.by_name(("a/m",), two)["a/m"].output == 2


@pytest.mark.parametrize(("source", "content", "words"), [
    ("routerbench", "prompt,x\na,1\n", "no column like 'gpt-4|total_cost'"), ("routellm", "prompt,x\na,maybe\n", "nothing in it is a score"),
    ("llmrouterbench", "{}", "want {\"model_name\""), ("prices", "[]", "want LiteLLM's price file"),
    ("llmrouterbench", '{"model_name": "m", "records": 5}', "want {\"model_name\""), ("llmrouterbench", '{"model_name": "m", "records": [5]}', "record 1: no object"),
    ("prices", "[" * 100_000, "nested too deep"), ("prices", '{"data": [{"id": "a", "pricing": {"prompt": 1' + "0" * 5_000 + ', "completion": 1}}]}', "no prices in it"),
    ("llmrouterbench", r'{"model_name": "m", "records": [{"prompt": "\ud800", "score": 1}]}', "half of a character"),
    ("prices", '{"data": [5, {"id": "a", "pricing": 5}, {"id": "b", "pricing": {"prompt": "NaN", "completion": "1"}}]}', "no prices in it"),
])
def test_other_files_are_told_what_is_wanted(tmp_path, source, content, words, capsys):
    file = tmp_path / "x.csv"
    file.write_text(content)
    assert brought(tmp_path, source, file) == 2
    err = capsys.readouterr().err
    assert words in err and "Nothing was changed" in err and not (tmp_path / "evals.jsonl").exists()
