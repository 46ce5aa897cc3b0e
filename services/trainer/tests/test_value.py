"""`value` and `fill`, whole: on a repository with a tiny encoder, from an evaluation file to a head that answers, or to a refusal."""

import json
import random
from html import escape

import numpy as np
import onnxruntime
import pytest
from test_policy import a_repository, folder, snapshot  # noqa: F401

from trainer import cli
from trainer.served import Encoder, newest

TARGETS = ("cheap", "dear", "middling/one")


def rows(count=160, seed=0, shuffled=False):
    """Sums are what the cheap target can't do; the rest it does as well as the dear one."""
    rng = random.Random(seed)
    made = []
    for i in range(count):
        sum_ = i % 2
        words = " ".join(rng.sample(["apple", "river", "stone", "cloud", "paper", "lamp", "chair"], 3))
        prompt = f"calculate the sum of {words} number {i}" if sum_ else f"write a poem about {words} verse {i}"
        good = {"cheap": 0.15 if sum_ else 0.9, "dear": 0.9, "middling/one": 0.5}
        made += [
            {"prompt": prompt, "target": t, "score": float(np.clip(good[t] + rng.gauss(0, 0.1), 0, 1)), "cost": {"cheap": 1e-5, "dear": 1e-3, "middling/one": 6e-4}[t],
             "output_tokens": {"cheap": 50, "dear": 200, "middling/one": 100}[t], "group": "sums" if sum_ else "poems"} for t in TARGETS
        ]
    if shuffled:
        for t in TARGETS:
            of = [row for row in made if row["target"] == t]
            scores = [row["score"] for row in of]
            rng.shuffle(scores)
            for row, score in zip(of, scores):
                row["score"] = score
    return made


def jsonl(path, made):
    path.write_text("".join(json.dumps(row) + "\n" for row in made))
    return path


@pytest.fixture
def data(tmp_path):
    return jsonl(tmp_path / "evals.jsonl", rows())


def run(folder, data, *more, command="value"):  # noqa: F811
    name = ["--name", "auto"] if command == "value" else []
    return cli.main([command, *name, "--data", str(data), "--repository", str(folder), "--work", str(folder.parent / "cache" / "train"), *more])


def last_line(capsys):
    return json.loads(capsys.readouterr().out.strip().split("\n")[-1])


def test_trains_a_head_that_tells_what_each_target_is_worth(folder, data, capsys):  # noqa: F811
    assert run(folder, data, "--json") == 0
    made = last_line(capsys)
    assert made["routes"] and made["written"] and made["targets"] == sorted(TARGETS) and made["rows"] == 480
    assert made["points_over_coin"] > 5 and made["interval"][0] > 0 and made["cost_at_95"] < 0.8 and made["ece"] < 0.1
    assert set(made) >= {"rows", "targets", "chosen", "verdict", "points_over_coin", "interval", "cost_at_95", "ece", "left_out_points"}
    assert "apgr" not in made
    session = onnxruntime.InferenceSession(str(newest(folder / "auto_head")))
    x = Encoder(folder).embeddings(["calculate the sum of river paper lamp number 7", "write a poem about stone cloud chair verse 2", "zqx wvu 我们"])
    output, scores = session.run(["OUTPUT", "SCORES"], {"EMBEDDING": x})
    cheap, dear = sorted(TARGETS).index("cheap"), sorted(TARGETS).index("dear")
    assert output[0, cheap] < 0.4 < 0.7 < output[1, cheap] and output[0, dear] > 0.7
    assert scores[2, 0] < 0.05
    like = session.run(["SCORES"], {"EMBEDDING": Encoder(folder).embeddings([row["prompt"] for row in rows(seed=1)[::3]])})[0][:, 0]
    assert (like < 0.05).mean() < 0.3 and np.median(like) > 0.2
    assert (folder / "auto_head" / "labels.txt").read_text().split() == sorted(TARGETS)
    assert (folder / "auto_details" / "scores.txt").read_text().split() == ["familiarity", *(f"output_tokens/{t}" for t in sorted(TARGETS))]
    np.testing.assert_allclose(scores[:, 1:], [[50, 200, 100]] * 3)
    for kind in ("head", "details", "ensemble"):
        text = (folder / f"auto_{kind}" / "config.pbtxt").read_text()
        assert 'key: "kind" value: { string_value: "value" }' in text
    assert 'key: "encoder_fingerprint"' in (folder / "auto_head" / "config.pbtxt").read_text()


def test_the_graph_says_what_the_study_measured(folder, data):  # noqa: F811
    from trainer.value import calibration, candidates, familiarity, graph, parts, read

    outcomes = read.read(data)
    x = Encoder(folder).embeddings(outcomes.prompts)
    general = np.random.default_rng(0).normal(size=(60, x.shape[1])).astype(np.float32)
    made = candidates.fit(x, outcomes.score, None, 0, shares=np.array([0.25, 0.75]))
    mean = parts.means(outcomes.score)
    strange = np.concatenate([x, general])
    for part, beside in zip((*made.values(), parts.Constant(mean)), (general, None, general, general)):
        like, _ = familiarity.fit(x, beside, 0)
        fitted = calibration.Calibrated(part, *calibration.fit(part.predict(x), outcomes.score), mean)
        graph.export(fitted, like, np.array([1.0, 2.0, 3.0]), folder, folder.parent / "head.onnx")
        output, scores = onnxruntime.InferenceSession(str(folder.parent / "head.onnx")).run(["OUTPUT", "SCORES"], {"EMBEDDING": strange})
        familiar = like.of(strange)
        assert (familiar[-60:] == 0).all() and np.median(familiar[:-60]) > 0.2
        np.testing.assert_allclose(scores[:, 0], familiar, atol=2e-3)
        np.testing.assert_allclose(output, fitted.predict(strange, scores[:, 0]), atol=1e-4)
        np.testing.assert_allclose(output[-60:], np.repeat(mean[None], 60, 0), atol=1e-5)


@pytest.mark.parametrize("kinds", [1, 2])
def test_prompts_that_the_encoder_reads_alike_are_no_reason_to_route_and_no_fault(kinds):
    from trainer.value import crossfit, study, verdict
    from trainer.value.outcomes import Outcomes

    rng = np.random.default_rng(0)
    x, gaps = np.repeat(np.eye(kinds, 16, dtype=np.float32), 60 // kinds, 0), np.full((60, 2), np.nan)
    prompts = ["".join(rng.choice(list("abcdefgh"), 12)) for _ in range(60)]
    data = Outcomes(prompts, ("a", "b"), rng.random((60, 2)), np.tile([[1e-5, 1e-3]], (60, 1)), gaps, gaps, None, 120)
    made = study.run(data, x, crossfit.Known(None, rng.normal(size=(30, 16)).astype(np.float32)))
    assert np.isfinite(made.held.predicted[made.predictor]).all() and np.isfinite(made.held.measure.of(x)).all()
    assert not verdict.of(made).routes


def test_scores_that_have_nothing_to_do_with_prompts_write_nothing(folder, tmp_path, capsys):  # noqa: F811
    data = jsonl(tmp_path / "noise.jsonl", rows(shuffled=True))
    before = snapshot(folder)
    assert run(folder, data, "--json") == 0
    made = last_line(capsys)
    assert not made["routes"] and not made["written"] and made["chosen"] is None
    assert made["verdict"].startswith("Do not route, use dear")
    assert snapshot(folder) == before
    assert run(folder, data, "--json", "--force") == 0
    assert last_line(capsys)["written"] and (folder / "auto_head").is_dir()


def test_one_target_that_is_best_everywhere_is_named(folder, tmp_path, capsys):  # noqa: F811
    made = rows()
    for row in made:
        row["score"] = 0.95 if row["target"] == "dear" else 0.3
    assert run(folder, jsonl(tmp_path / "best.jsonl", made), "--json", "--dry-run") == 0
    assert last_line(capsys)["verdict"].startswith("Do not route, use dear")


def test_two_targets_without_costs_are_told_as_routellm_does(folder, tmp_path, capsys):  # noqa: F811
    made = [{k: v for k, v in row.items() if k in ("prompt", "target", "score")} for row in rows() if row["target"] != "middling/one"]
    assert run(folder, jsonl(tmp_path / "two.jsonl", made), "--json", "--dry-run") == 0
    line = last_line(capsys)
    assert line["apgr"] > 0.7 and line["cpt50"] < 35 and line["cpt80"] < 50 and line["left_out_points"] is None


def test_wide_rows_and_cells_that_nobody_tried(folder, tmp_path, capsys):  # noqa: F811
    wide: dict = {}
    for i, row in enumerate(rows()):
        cell = wide.setdefault(row["prompt"], {"prompt": row["prompt"]})
        if i % 4:
            cell[f"{row['target']}/score"], cell[f"{row['target']}/cost"] = row["score"], row["cost"]
    path = tmp_path / "wide.csv"
    columns = ["prompt", *(f"{t}/{what}" for t in TARGETS for what in ("score", "cost"))]
    path.write_text(",".join(columns) + "\n" + "".join(",".join(str(row.get(c, "")) for c in columns) + "\n" for row in wide.values()))
    assert run(folder, path, "--json", "--dry-run") == 0
    made = last_line(capsys)
    assert made["routes"] and made["prompts"] == 160 and made["points_over_coin"] > 4


@pytest.mark.parametrize(("change", "words"), [
    (lambda r: [{**r[0], "score": 7}, *r[1:]], r"evals.jsonl:1: score 7 is outside 0…1"),
    (lambda r: [{**r[0], "score": "good"}, *r[1:]], r"evals.jsonl:1: score is 'good'; want a number"),
    (lambda r: [*r[:3], {**r[3], "cost": -1}, *r[4:]], r"evals.jsonl:4: cost -1 is below zero"),
    (lambda r: [{"question": "x"}], r"evals.jsonl:1: neither a column 'target' nor columns like 'small/score'"),
    (lambda r: [{"target": "x", "score": 1}], r"evals.jsonl:1: no prompt"),
    (lambda r: [row for row in r if row["target"] == "dear"], r"scores of 1 target\(s\) only \(dear\)"),
    (lambda r: r[:30], r"fewer than 20 scored prompts of 3 target\(s\)"),
    (lambda r: r[:90], r"30 scored prompts; below 40"),
    (lambda r: [{k: v for k, v in row.items() if k != "cost"} for row in r], r"no cost of 3 target\(s\)"),
    (lambda r: [*r, {**r[0], "group": "else"}], r"evals.jsonl:481: this prompt is in group 'else' here and in 'poems' above"),
    (lambda r: [{**row, "prompt": f"What is {i} + {i}?"} for i, row in enumerate(r)], r"480 prompts, of which 1 differ in more than numbers, case and punctuation; below 20"),
    (lambda r: [], "no rows"),
])
def test_bad_data_is_told_where_it_stands_and_changes_nothing(folder, tmp_path, change, words, capsys):  # noqa: F811
    import re

    before = snapshot(folder)
    assert run(folder, jsonl(tmp_path / "evals.jsonl", change(rows()))) == 2
    err = capsys.readouterr().err
    assert re.search(words, err) and "Nothing was changed" in err
    assert snapshot(folder) == before


@pytest.mark.parametrize(("options", "words"), [
    (("--price", "chaep=1,2"), "the data have no target 'chaep'; there: cheap, dear, middling/one"),
    (("--price", "cheap=1"), "want TARGET=INPUT,OUTPUT"),
    (("--report", "page.pdf"), "--report page.pdf: want a name that ends in .html"),
])
def test_options_that_do_not_fit_are_told_before_any_prompt_is_read(folder, data, options, words, capsys):  # noqa: F811
    assert run(folder, data, *options) == 2
    err = capsys.readouterr().err
    assert words in err and "encoder:" not in err


def test_prices_and_tokens_stand_in_for_costs(folder, tmp_path, capsys):  # noqa: F811
    made = [{k: v for k, v in row.items() if k != "cost"} for row in rows()]
    prices = tmp_path / "prices.csv"
    prices.write_text("name,input,output\ncheap,0.1,0.2\ndear,2,5\n")
    assert run(folder, jsonl(tmp_path / "evals.jsonl", made), "--prices", str(prices), "--config-price", "elsewhere=1,3", "--config-price", "middling/one=1,4",
               "--price", "middling/one=1,3", "--json", "--dry-run") == 0
    assert last_line(capsys)["routes"]


def test_reports_are_written_whole(folder, data, tmp_path):  # noqa: F811
    page, whole = tmp_path / "out" / "r.html", tmp_path / "out" / "r.json"
    assert run(folder, data, "--dry-run", "--report", str(page), "--report", str(whole), "--report", str(tmp_path / "curve.svg")) == 0
    curve = (tmp_path / "curve.svg").read_text()
    assert curve.startswith("<svg ") and "prefers-color-scheme: dark" in curve and "coin between targets" in curve
    told = json.loads(whole.read_text())
    assert escape(told["verdict"]) in page.read_text() and "<svg" in page.read_text() and "src=" not in page.read_text()
    assert [each["keeps"] for each in told["choosers"]["head"]["cost_at"]] == [1.0, 0.98, 0.95]
    assert {group["group"] for group in told["left_out"]["groups"]} == {"sums", "poems"}


def test_a_target_near_zero_where_its_peers_are_not_is_pointed_out(folder, tmp_path, capsys):  # noqa: F811
    made = [{**row, "score": 0.0} if row["target"] == "middling/one" and row["group"] == "sums" else row for row in rows()]
    for row in made:
        if row["target"] == "cheap":
            row["score"] = max(row["score"], 0.6)
    assert run(folder, jsonl(tmp_path / "evals.jsonl", made), "--dry-run") == 0
    assert "Look at this: middling/one scores 0.00 on 'sums' (80 prompts)" in capsys.readouterr().out


CONFIG = """# mine
targets:
  - { name: cheap, api_base: "http://x", model: c }   # small
  - name: dear
    api_base: http://x
    model: d
  - { name: "middling/one", api_base: "http://x", model: m }

policies:
  - name: kinds
    url: grpc://127.0.0.1:8001/kinds_ensemble
    rules:
      - name: long
        when: { tokens: { above: 5 } }
        target: dear
    llms:
      - name: poem   # verse
        target: dear
        rank: 2
      - { name: sum, target: cheap }
server:
  port: 1
"""


def test_fill_puts_the_best_target_of_each_label_into_the_table(folder, data, tmp_path, capsys):  # noqa: F811
    texts = tmp_path / "kinds.csv"
    texts.write_text("text,label\n" + "".join(f"{row['prompt']},{'sum' if row['group'] == 'sums' else 'poem'}\n" for row in rows(40) if row["target"] == "dear"))
    assert cli.main(["policy", "--name", "kinds", "--data", str(texts), "--repository", str(folder)]) == 0
    config = tmp_path / "router.yaml"
    config.write_text(CONFIG)
    capsys.readouterr()
    assert run(folder, data, "--policy", "kinds", "--config", str(config), "--keep", "0.95", "--json", command="fill") == 0
    made = last_line(capsys)
    assert (made["routes"], made["predictor"]) == (True, "label_table"), made["verdict"]
    assert made["table"] == {"poem": "cheap", "sum": "dear"}
    assert config.read_text() == CONFIG.replace("# verse\n        target: dear", "# verse\n        target: cheap").replace("{ name: sum, target: cheap }", "{ name: sum, target: dear }")
    assert run(folder, data, "--policy", "other", "--config", str(config), command="fill") == 2
    assert "no policy 'other'" in capsys.readouterr().err
