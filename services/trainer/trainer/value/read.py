"""Reads an evaluation file, long or wide, and refuses what would teach nonsense: what is wrong, where, what would be right."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..policy_data import SHOWN
from ..rows import BadData, records
from .outcomes import Outcomes

MAX_PROMPTS = 100_000
MAX_TARGETS = 64
LEAST_PROMPTS = 40
LEAST_OF_TARGET = 20

PROMPT = ("prompt", "query", "question", "input", "text")
TARGET = ("target", "model", "llm")
SCORE = ("score", "quality", "correct", "performance")
COST = ("cost", "cost_usd", "usd", "total_cost")
INPUT_TOKENS = ("input_tokens", "prompt_tokens")
OUTPUT_TOKENS = ("output_tokens", "completion_tokens", "tokens")
WIDE = {"scores": "score", "costs": "cost", "input_tokens": "input_tokens", "output_tokens": "output_tokens", "tokens": "output_tokens"}
EXAMPLE = '{"prompt": "…", "target": "small", "score": 0.5, "cost": 0.0002, "group": "support"}'


@dataclass
class _Cells:
    """Values by (prompt, target), several of the same averaged."""

    order: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    groups: list[str | None] = field(default_factory=list)
    targets: dict[str, int] = field(default_factory=dict)
    values: dict[str, dict[tuple[int, int], list[float]]] = field(default_factory=lambda: {name: {} for name in ("score", "cost", "input_tokens", "output_tokens")})
    repeated: int = 0

    def prompt(self, text: str, group: str | None, where: str) -> int:
        at = self.order.setdefault(text.strip(), len(self.order))
        if at == len(self.texts):
            self.texts.append(text.strip())
            self.groups.append(group)
        elif group is not None and self.groups[at] not in (None, group):
            raise BadData(f"{where}: this prompt is in group '{group}' here and in '{self.groups[at]}' above; a prompt belongs to one group")
        elif group is not None:
            self.groups[at] = group
        return at

    def put(self, kind: str, prompt: int, target: str, value: float | None) -> None:
        if value is None:
            return
        cell = self.values[kind].setdefault((prompt, self.targets.setdefault(target, len(self.targets))), [])
        self.repeated += kind == "score" and bool(cell)
        cell.append(value)

    def matrix(self, kind: str, columns: list[int]) -> np.ndarray:
        made = np.full((len(self.texts), len(self.targets)), np.nan)
        for (row, column), found in self.values[kind].items():
            made[row, column] = sum(found) / len(found)
        return made[:, columns]


def read(path: Path, group: str | None = None) -> Outcomes:
    """Long rows (prompt, target, score[, cost, input_tokens, output_tokens, group]) or wide ones (prompt and TARGET/score, TARGET/cost …
    columns, or `scores`, `costs` … objects).

    group: the column that tells a prompt's group; without it `group` where there is one. Raises BadData; nothing is written.
    """
    cells = _Cells()
    count = 0
    for line, row in records(path):
        count += 1
        _take(cells, row, f"{path}:{line}", group)
        if len(cells.texts) > MAX_PROMPTS:
            raise BadData(f"{path}:{line}: over {MAX_PROMPTS:,} prompts; a few thousand teach as much. Take a sample")
    return _checked(path, cells, count, group)


def _take(cells: _Cells, row: dict, where: str, group_column: str | None) -> None:
    names = {name.strip().lower(): name for name in row if isinstance(name, str)}

    def first(wanted: tuple[str, ...]):
        return next((row[names[name]] for name in wanted if name in names and row[names[name]] not in (None, "")), None)

    prompt = first(PROMPT)
    if not isinstance(prompt, str) or not prompt.strip():
        raise BadData(f"{where}: no prompt (a text in the column 'prompt'); found {', '.join(map(repr, row)) or 'nothing'}. Want rows like {EXAMPLE}")
    if group_column is not None and group_column.lower() not in names:
        raise BadData(f"{where}: no column '{group_column}' (--group); found {', '.join(map(repr, row))}")
    group = row[names[group_column.lower()]] if group_column else row.get(names.get("group", ""))
    at = cells.prompt(prompt, None if group in (None, "") else str(group), where)
    target = first(TARGET)
    if target is not None:
        name = _target(target, where)
        score = _number(first(SCORE), "score", where)
        if score is None:
            return
        cells.put("score", at, name, _share(score, where))
        cells.put("cost", at, name, _above(_number(first(COST), "cost", where), "cost", where))
        for kind, columns in (("input_tokens", INPUT_TOKENS), ("output_tokens", OUTPUT_TOKENS)):
            cells.put(kind, at, name, _above(_number(first(columns), kind, where), kind, where))
        return
    found = False
    for name, value in row.items():
        if isinstance(value, dict) and name in WIDE:
            pairs = [(WIDE[name], key, each) for key, each in value.items()]
        elif isinstance(name, str) and "/" in name and not isinstance(value, dict):
            key, _, kind = name.rpartition("/")
            wanted = {**{k: "score" for k in SCORE}, **{k: "cost" for k in COST}, **{k: "input_tokens" for k in INPUT_TOKENS}, **{k: "output_tokens" for k in OUTPUT_TOKENS}}.get(kind.lower())
            pairs = [(wanted, key, value)] if wanted else []
        else:
            pairs = []
        for kind, key, each in pairs:
            found = True
            number = _number(each, f"{key}/{kind}", where)
            cells.put(kind, at, _target(key, where), None if number is None else _share(number, where) if kind == "score" else _above(number, kind, where))
    if not found:
        raise BadData(
            f"{where}: neither a column 'target' nor columns like 'small/score'; found {', '.join(map(repr, row))}. "
            f"Want rows like {EXAMPLE}, or one row a prompt with TARGET/score and TARGET/cost")


def _target(value, where: str) -> str:
    name = str(value).strip()
    if not name or len(name) > 128 or any(ord(c) < 32 for c in name):
        raise BadData(f"{where}: a target's name is one line of at most 128 characters, not {value!r}")
    return name


def _number(value, what: str, where: str) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or (isinstance(value, str) and value.strip().lower() in ("true", "false")):
        return float(str(value).strip().lower() == "true")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise BadData(f"{where}: {what} is {value!r}; want a number") from None
    if not math.isfinite(number):
        raise BadData(f"{where}: {what} is {value!r}; want a finite number, or an empty cell for what was not measured")
    return number


def _share(score: float, where: str) -> float:
    if not 0 <= score <= 1:
        raise BadData(f"{where}: score {score:g} is outside 0…1 (0 bad, 1 good). Bring all to that scale first, e.g. (score − 1) / 9 for marks from 1 to 10")
    return score


def _above(number: float | None, what: str, where: str) -> float | None:
    if number is not None and number < 0:
        raise BadData(f"{where}: {what} {number:g} is below zero")
    return number


def _checked(path: Path, cells: _Cells, count: int, group: str | None) -> Outcomes:
    if not count:
        raise BadData(f"{path}: no rows; want rows like {EXAMPLE}")
    names = sorted(cells.targets)
    columns = [cells.targets[name] for name in names]
    score = cells.matrix("score", columns)
    tried = (~np.isnan(score)).sum(0)
    if len(names) < 2:
        raise BadData(f"{path}: scores of {len(names)} target(s) only ({', '.join(names) or 'none'}); choosing takes at least two")
    if len(names) > MAX_TARGETS:
        raise BadData(f"{path}: {len(names)} targets, at most {MAX_TARGETS}; is the target column the right one?")
    few = [f"'{name}' ({n})" for name, n in zip(names, tried) if n < LEAST_OF_TARGET]
    if few:
        raise BadData(f"{path}: fewer than {LEAST_OF_TARGET} scored prompts of {len(few)} target(s): {', '.join(few[:SHOWN])}. Score more prompts, or leave these targets out")
    scored = np.flatnonzero((~np.isnan(score)).any(1))
    if len(scored) < LEAST_PROMPTS:
        raise BadData(f"{path}: {len(scored)} scored prompts; below {LEAST_PROMPTS} nothing can be told, 200 start to pay, 500 bring nearly all")
    notes = []
    if cells.repeated:
        notes.append(f"{cells.repeated:,} scores of the same prompt and target are averaged")
    if len(scored) < len(cells.texts):
        notes.append(f"{len(cells.texts) - len(scored):,} prompts without any score are left out")
    known = [g for g in cells.groups if g is not None]
    if group and not known:
        raise BadData(f"{path}: the column '{group}' (--group) is empty")
    groups = tuple("" if g is None else g for g in cells.groups) if known else None
    made = Outcomes(
        cells.texts, tuple(names), score, cells.matrix("cost", columns), cells.matrix("input_tokens", columns), cells.matrix("output_tokens", columns),
        groups, count, tuple(notes),
    )
    return made if len(scored) == len(cells.texts) else made.take(scored)
