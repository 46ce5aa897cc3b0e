"""Bars of `value:train` on others' outcomes: python services/trainer/proof/value_bars.py --folder FOLDER [--repository DIR] [--only NAME …]

FOLDER holds routellm_mmlu.jsonl.gz, llmrouter.jsonl.gz and mmlu_pro.jsonl.gz, one JSON a line: source, prompt, out: {model: [score, prompt
characters, answer characters]}. Seeds were fixed before the first run on this encoder; embeddings are kept by encoder, so that another
encoder costs one reading and a second run none.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "services" / "trainer"))

from threadpoolctl import threadpool_limits  # noqa: E402

from trainer.value import calibration, candidates, curve, embed, familiarity, general, pair, parts, prices, recommend, report, study, verdict  # noqa: E402
from trainer.value.crossfit import Known  # noqa: E402
from trainer.value.outcomes import Outcomes  # noqa: E402

ANSWER_CHARS = 600
"""LLMRouter's outcomes tell no answer's length; all targets are taken to write as much."""
SEED = 1900
"""All draws are of this one and those after it."""
WEAK, STRONG = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"


MMLU_PRO = {
    "Meta-Llama-3_1-8B-Instruct": (0.18, 0.18), "Meta-Llama-3_1-70B-Instruct": (0.88, 0.88), "Mixtral-8x7B-Instruct-v0.1": (0.6, 0.6),
    "Qwen1.5-7B-Chat": (0.2, 0.2), "Qwen1.5-72B-Chat": (0.9, 0.9), "gemini-1.5-flash-002": (0.075, 0.3), "gemini-1.5-pro-002": (1.25, 5.0),
    "jamba-1.5-large": (2.0, 8.0),
}
"""Its chat models of five makers with what they cost when they were asked: USD a million tokens, in and out (from memory, to about a tenth)."""


def load(folder: Path, name: str) -> tuple[list[dict], Outcomes]:
    """Rows, and the same as outcomes; costs by list prices."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
        rows = [row for row in map(json.loads, stream) if not row.get("cont")]
    targets = tuple(sorted(MMLU_PRO)) if name == "mmlu_pro" else tuple(sorted({target for row in rows for target in row["out"]}))
    score = np.array([[row["out"].get(target, [np.nan])[0] for target in targets] for row in rows], float)
    known = prices.by_name(targets, prices.listed())
    chars = np.array([[len(row["prompt"]) + ANSWER_CHARS] for row in rows]) / 4
    cost = chars * np.array([[known[target].input if target in known else float(target == STRONG) for target in targets]]) / 1e6
    if name == "mmlu_pro":  # these tell how long answers were
        each = np.array([[row["out"].get(target, [0, np.nan, np.nan])[1:] for target in targets] for row in rows], float) / 4
        cost = (each * np.array([MMLU_PRO[target] for target in targets])).sum(2) / 1e6
    empty = np.full_like(score, np.nan)
    groups = tuple(str(row.get("sub") or row["source"]) for row in rows)
    return rows, Outcomes([row["prompt"].strip() for row in rows], targets, score, cost, empty, empty, groups, int((~np.isnan(score)).sum()))


class Bars:
    def __init__(self, folder: Path, repository: Path, cache: Path, reports: Path | None = None) -> None:
        self.folder, self.repository, self.cache, self.reports = folder, repository, cache, reports
        self.known = Known(candidates.labels_of(repository), embed.embeddings(repository, general.prompts(), cache))
        self.rows: list[tuple[str, str, str, bool]] = []

    def say(self, what: str, bar: str, came: str, holds: bool) -> None:
        self.rows.append((what, bar, came, holds))
        print(f"{'holds' if holds else 'FAILS'}  {what}: {came} (bar {bar})", flush=True)

    def data(self, name: str, most: int | None = None) -> tuple[Outcomes, np.ndarray]:
        """most: so many prompts, drawn by lot."""
        outcomes = load(self.folder, name)[1]
        if most is not None:
            outcomes = outcomes.take(np.random.default_rng(SEED).permutation(len(outcomes.prompts))[:most])
        return outcomes, embed.embeddings(self.repository, outcomes.prompts, self.cache, lambda text: print(text, file=sys.stderr))

    def predicted(self, made: study.Study, x: np.ndarray, data: Outcomes, test: np.ndarray, seed: int) -> np.ndarray:
        """P of new prompts by the head that would be written."""
        part = candidates.fit(x, data.score, self.known.labels, seed, shares=made.held.shares)[made.predictor]
        fitted = calibration.Calibrated(part, *made.held.mixes[made.predictor], parts.means(data.score))
        return fitted.predict(test, made.held.measure.of(test))

    def report(self, name: str, made: study.Study) -> None:
        """The report's files, where they are wanted."""
        if self.reports is None:
            return
        whole = report.build(name, made, verdict.of(made), recommend.setting(made, keep=0.98))
        for end in ("html", "svg", "txt", "json"):
            report.write(self.reports / f"{name}.{end}", whole)

    def left_out(self, name: str, made: study.Study) -> None:
        """Whole sources left out, as the head would answer them: what is unfamiliar drawn to the targets' means."""
        left, score = made.unlike[made.predictor], made.data.score
        self.say(f"{name}, sources left out, points", "≥ −.2", f"{left.figures.points:+.2f} {np.round(left.interval(lambda f: f.points), 2).tolist()}", left.figures.points >= -0.2)
        p, stranger = made.held_unlike.predicted[made.predictor], made.held_unlike.familiar < familiarity.UNFAMILIAR
        groups = np.array(made.data.groups)
        whole = calibration.ece(p, score)
        own = [(stranger[groups == g].mean(), calibration.ece(p[groups == g], score[groups == g])) for g in np.unique(groups)]
        self.say(f"{name}, sources left out: flagged, or ECE there", "≥ .80 or ≤ .10", f"{stranger.mean():.2f}, {whole:.3f}", stranger.mean() >= 0.8 or whole <= 0.1)
        print(f"  by source: flagged for more than half of its prompts or ECE ≤ .10: {sum(f > 0.5 or e <= 0.1 for f, e in own)} of {len(own)}; "
              f"like prompts flagged {(made.held.familiar < familiarity.UNFAMILIAR).mean():.3f}", flush=True)

    def mmlu(self) -> None:
        """1,500 rows, the rest tested; the predictor is what value:train chooses on the 1,500."""
        data, x = self.data("routellm_mmlu")
        weak, strong = data.targets.index(WEAK), data.targets.index(STRONG)
        found = []
        for seed in range(SEED, SEED + 3):
            order = np.random.default_rng(seed).permutation(len(x))
            train, test = order[:1500], order[1500:]
            made = study.run(data.take(train), x[train], self.known, seed=seed)
            p = self.predicted(made, x[train], data.take(train), x[test], seed)
            figures = pair.pair(p[:, strong] - p[:, weak], data.score[test][:, weak], data.score[test][:, strong])
            found.append(list(figures.values()))
            left = made.unlike[made.predictor].figures.points if made.unlike else float("nan")
            print(f"  seed {seed}: {made.predictor} APGR {figures['apgr']:.3f} CPT50 {figures['cpt50']:.1f} CPT80 {figures['cpt80']:.1f}; cross-validated "
                  f"{made.pair['apgr']:.3f} {made.pair['cpt50']:.1f} {made.pair['cpt80']:.1f}; ECE {made.ece:.3f}, subjects left out {left:+.2f}; {verdict.of(made).text}", flush=True)
        mean = np.mean(found, 0)
        for name, value, bar, holds in (("APGR", mean[0], "≥ .65", mean[0] >= 0.65), ("CPT50", mean[1], "≤ 30", mean[1] <= 30), ("CPT80", mean[2], "≤ 62", mean[2] <= 62)):
            self.say(f"MMLU, 1,500 rows, 3 seeds, {name}", bar, f"{value:.3f}" if name == "APGR" else f"{value:.1f}", holds)

    def llmrouter(self) -> None:
        """Nine targets: 5-fold, sources left out, calibration."""
        data, x = self.data("llmrouter")
        begun = time.process_time()
        made = study.run(data, x, self.known, seed=SEED)
        print(f"  {made.predictor} in {time.process_time() - begun:.0f} s of CPU: {verdict.of(made).text}", flush=True)
        self.report("llmrouter", made)
        self.say("LLMRouter, 5-fold, points over the coin", "≥ 4.5", f"{made.chosen.figures.points:+.2f} {np.round(made.interval, 2).tolist()}", made.chosen.figures.points >= 4.5)
        self.say("LLMRouter, ECE on like prompts", "≤ .05", f"{made.ece:.3f}", made.ece <= 0.05)
        self.left_out("LLMRouter", made)

    def few(self) -> None:
        """500 scored prompts of LLMRouter."""
        data, x = self.data("llmrouter")
        found = []
        for seed in range(SEED, SEED + 4):
            order = np.random.default_rng(seed).permutation(len(x))
            train, test = order[:500], order[-1500:]
            made = study.run(data.take(train), x[train], self.known, seed=seed)
            p = self.predicted(made, x[train], data.take(train), x[test], seed)
            quality, spent = data.score[test].mean(0), data.cost[test].mean(0)
            best = quality.argmax()
            q, c = curve.sweep(p, data.cost[test], curve.settings(p, data.cost[test])).points(data.score[test], data.cost[test])
            found.append(curve.cost_of(c.mean(1), q.mean(1), 0.95 * quality[best]) / spent[best])
            print(f"  500 rows, seed {seed}: {made.predictor}, cost at 95 % {found[-1]:.3f}, ECE {made.ece:.3f}; {verdict.of(made).text}", flush=True)
        self.say("LLMRouter, 500 scored prompts, cost at 95 %, 4 seeds", "≤ .18", f"{np.mean(found):.3f}", np.mean(found) <= 0.18)

    def unlike(self) -> None:
        """The same of the other two files: MMLU's subjects, MMLU-Pro's categories with targets of each maker; 2,000 prompts each."""
        for name in ("routellm_mmlu", "mmlu_pro"):
            data, x = self.data(name, most=2000)
            made = study.run(data, x, self.known, seed=SEED)
            print(f"  {name}: {made.predictor}, like prompts {made.chosen.figures.points:+.2f} {np.round(made.interval, 2).tolist()}, ECE {made.ece:.3f}; {verdict.of(made).text}", flush=True)
            self.report(name, made)
            self.say(f"{name}, ECE on like prompts", "≤ .05", f"{made.ece:.3f}", made.ece <= 0.05)
            self.left_out(name, made)

    def shuffled(self) -> None:
        """Scores that have nothing to do with prompts: together, and each target's by itself."""
        data, x = self.data("llmrouter")
        refused, runs = 0, 20
        for seed in range(SEED, SEED + runs):
            rng = np.random.default_rng(seed)
            rows = rng.permutation(len(x))[:500]
            some = data.take(rows)
            score = some.score.copy()
            if seed % 2:
                score = score[rng.permutation(len(score))]
            else:
                for t in range(score.shape[1]):
                    score[:, t] = score[rng.permutation(len(score)), t]
            made = study.run(Outcomes(some.prompts, some.targets, score, some.cost, some.input_tokens, some.output_tokens, None, some.rows), x[rows], self.known, seed=seed)
            refused += not verdict.of(made).routes
            if verdict.of(made).routes:
                print(f"  seed {seed}: {verdict.of(made).text}", flush=True)
        self.say("LLMRouter, scores shuffled, 500 prompts: refused", "≥ 19 of 20", f"{refused} of {runs}", refused >= 19)

    def one_best(self) -> None:
        """A pool where one target is best on every prompt."""
        data, x = self.data("llmrouter")
        rows = np.random.default_rng(SEED).permutation(len(x))[:500]
        some = data.take(rows)
        score = np.minimum(some.score, 0.6)
        score[:, 3] = 0.9
        made = study.run(Outcomes(some.prompts, some.targets, score, some.cost, some.input_tokens, some.output_tokens, None, some.rows), x[rows], self.known, seed=SEED)
        said = verdict.of(made)
        # Cheaper targets may still be good enough for some prompts; the verdict says so, and whose quality is kept.
        self.say("one target best on every prompt: named", some.targets[3], said.text, some.targets[3] in said.text)
        cost = some.cost.copy()
        cost[:, 3] = cost.min(1) / 2
        made = study.run(Outcomes(some.prompts, some.targets, score, cost, some.input_tokens, some.output_tokens, None, some.rows), x[rows], self.known, seed=SEED)
        said = verdict.of(made)
        self.say("one target best and cheapest: nothing is routed", some.targets[3], said.use, said.use == some.targets[3] and not said.routes)


NAMES = ("mmlu", "llmrouter", "few", "unlike", "shuffled", "one_best")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "value-embeddings")
    parser.add_argument("--reports", type=Path, help="folder for the studies' reports")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES))
    arguments = parser.parse_args()
    bars = Bars(arguments.folder, arguments.repository, arguments.cache, arguments.reports)
    with threadpool_limits(1):
        for name in arguments.only:
            getattr(bars, name)()
    width = max(len(row[0]) for row in bars.rows)
    print("\n" + "\n".join(f"{what.ljust(width)}  {bar:>16}  {came[:40]:>40}  {'holds' if holds else 'FAILS'}" for what, bar, came, holds in bars.rows))
    return 0 if all(row[3] for row in bars.rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
