"""`value:fill`: the best target for each label of a policy, from data, written into its table or printed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..rows import BadData
from . import candidates, line, parts, report, table_file, train, verdict
from .calibration import HIGH, LOW
from .curve import choose
from .recommend import Setting
from .study import Study


@dataclass(frozen=True)
class Cell:
    """One label: prompts of it in the data, the target, its P(good) and USD a prompt there."""

    label: str
    prompts: int
    target: str
    quality: float
    cost_usd: float


def main(arguments) -> int:
    return train.main(arguments, run)


def cells(study: Study, labels: tuple[str, ...], index: np.ndarray, setting: Setting) -> list[Cell]:
    """The most quality − cost/worth for each label; a label of few prompts leans on all of them."""
    mix, bias = study.held.mixes["label_table"]
    quality = np.clip(parts.table(index, len(labels), study.data.score) @ mix + bias, LOW, HIGH)
    cost = parts.table(index, len(labels), study.cost)
    chosen = choose(quality, cost, setting.willingness_usd)
    counts = np.bincount(index, minlength=len(labels))
    return [Cell(label, int(counts[i]), study.data.targets[t], float(quality[i, t]), float(cost[i, t])) for i, (label, t) in enumerate(zip(labels, chosen))]


def run(arguments, log) -> dict:
    """Everything; returns what --json prints."""
    data, _, _ = train.checked(arguments)
    config = Path(arguments.config) if arguments.config else None
    if config is not None:
        table_file.check(config, arguments.policy, data.targets)
    repository = Path(arguments.repository)
    if not candidates.has_head(repository, arguments.policy):
        raise BadData(f"--policy {arguments.policy}: {repository} holds no {arguments.policy}_head; label policies there: {', '.join(candidates.label_policies(repository)) or 'none'}")
    study, x, labels = train.studied(arguments, data, log, only="label_table")
    said = verdict.of(study)
    setting = train.chosen_setting(arguments, study)
    whole = report.build(arguments.policy, study, said, setting)
    made = cells(study, labels.head.labels, labels.of(x), setting)
    whole["table"] = [vars(cell) for cell in made]
    log(report.text(whole))
    for path in arguments.report:
        report.write(Path(path), whole)
        log(f"wrote {path}")
    log(f"Best target for each label at willingness_usd {setting.willingness_usd:g}:\n")
    log(report.table(["label", "target", "P(good)", "USD a 1000", "prompts"], [
        [c.label, c.target, f"{c.quality:.3f}", f"{1000 * c.cost_usd:.4g}", str(c.prompts)] for c in made
    ]))
    written = config is not None and not arguments.dry_run and (said.routes or arguments.force)
    if written:
        log("\n" + table_file.fill(config, arguments.policy, {cell.label: cell.target for cell in made if cell.prompts}))
    elif config is not None:
        log("\nNothing was written" + (" (--dry-run)." if arguments.dry_run else "; --force writes all the same."))
    return {**json.loads(line.text(line.summary(study, said, written))), "table": {cell.label: cell.target for cell in made}}
