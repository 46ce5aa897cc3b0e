"""Others' evaluation files as ours, long form; what could not be carried over is said by line."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..rows import BadData, parsed, records, text_of

MOST_SAID = 20


@dataclass
class Import:
    """rows: {"prompt", "target", "score"[, "cost", "group", …]}. left: what could not be carried over."""

    rows: list[dict] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def put(self, where: str, prompt, target: str, score, cost=None, **more) -> None:
        """Adds a row, or says why not; a cost that is none is left out, and told."""
        try:
            value = float(score) if not isinstance(score, str) or score.strip().lower() not in ("true", "false") else float(score.strip().lower() == "true")
        except (TypeError, ValueError):
            self.left.append(f"{where}: score of {target} is {score!r}, no number")
            return
        if not isinstance(prompt, str) or not prompt.strip():
            self.left.append(f"{where}: no prompt")
        elif not 0 <= value <= 1:
            self.left.append(f"{where}: score {value:g} of {target} is outside 0…1")
        else:
            more = {"cost": self._cost(where, target, cost), **more}
            self.rows.append({"prompt": prompt, "target": target, "score": value, **{key: each for key, each in more.items() if each not in (None, "")}})

    def _cost(self, where: str, target: str, cost) -> float | None:
        if cost in (None, ""):
            return None
        try:
            value = float(cost)
        except (TypeError, ValueError):
            value = math.nan
        if math.isfinite(value) and value >= 0:
            return value
        self.left.append(f"{where}: cost of {target} is {cost!r}, no amount of USD")
        return None


def routellm(path: Path, made: Import) -> None:
    """RouteLLM's evaluation responses: prompt and a true/false column for each model; the file's name is the group (MMLU's subject)."""
    skipped: set[str] = set()
    for line, row in records(path):
        prompt = row.get("prompt") or row.get("question")
        found = False
        for name, value in row.items():
            if str(value).strip().lower() in ("true", "false") or isinstance(value, bool):
                made.put(f"{path}:{line}", prompt, name, value, group=path.name.split(".")[0].removeprefix("mmlu_"))
                found = True
            elif name not in ("prompt", "question", ""):
                skipped.add(name)
        if not found:
            made.left.append(f"{path}:{line}: no column with true or false")
    made.left += [f"{path}: column '{name}' holds no right or wrong" for name in sorted(skipped)]


def routerbench(path: Path, made: Import) -> None:
    """RouterBench's wide table as CSV: sample_id, prompt, eval_name, MODEL, MODEL|model_response, MODEL|total_cost."""
    for line, row in records(path):
        models = [name.rpartition("|")[0] for name in row if name.endswith("|total_cost")]
        if not models:
            raise BadData(f"{path}:{line}: no column like 'gpt-4|total_cost'; want RouterBench's wide table (its .pkl exported as CSV)")
        prompt = row.get("prompt")
        if isinstance(prompt, str) and prompt.startswith("[") and prompt.endswith("]"):
            try:
                prompt = " ".join(parsed(prompt, str(path)))
            except (BadData, TypeError):
                prompt = prompt[2:-2]  # a Python list of one text
        for model in models:
            made.put(f"{path}:{line}", prompt, model, row.get(model), cost=row.get(f"{model}|total_cost"), group=row.get("eval_name"))


def notdiamond(path: Path, made: Import) -> None:
    """Not Diamond's training CSV: a prompt column, and for each model a response and a score column (MODEL/score, or MODEL where MODEL/response stands)."""
    for line, row in records(path):
        prompt = next((row[name] for name in row if name.lower() in ("prompt", "query", "question", "input")), None)
        scores = {name.rpartition("/")[0]: name for name in row if name.lower().endswith("/score")}
        scores |= {name.rpartition("/")[0]: name.rpartition("/")[0] for name in row if name.lower().endswith("/response") and name.rpartition("/")[0] in row}
        if not scores:
            raise BadData(f"{path}:{line}: no column like 'openai/gpt-4o/score'; found {', '.join(map(repr, row))}")
        for model, column in scores.items():
            if row[column] not in (None, ""):
                made.put(f"{path}:{line}", prompt, model, row[column], cost=row.get(f"{model}/cost"))


def llmrouterbench(path: Path, made: Import) -> None:
    """LLMRouterBench's result file, one a model and set: {"model_name", "dataset_name", "records": [{"prompt", "score", "cost", …}]}."""
    try:
        whole = parsed(text_of(path), str(path), whole=True)
        model, items = str(whole["model_name"]), list(enumerate(whole["records"], 1))
    except (KeyError, TypeError):
        raise BadData(f'{path}: want {{"model_name", "dataset_name", "records": […]}}') from None
    for number, row in items:
        if not isinstance(row, dict):
            made.left.append(f"{path}: record {number}: no object")
            continue
        made.put(f"{path}: record {number}", row.get("prompt") or row.get("origin_query"), model, row.get("score"), cost=row.get("cost"),
                 output_tokens=row.get("completion_tokens"), input_tokens=row.get("prompt_tokens"), group=whole.get("dataset_name"))


FORMS = {"routellm": routellm, "routerbench": routerbench, "notdiamond": notdiamond, "llmrouterbench": llmrouterbench}


def prices(path: Path, date: str) -> tuple[dict, list[str]]:
    """LiteLLM's model_prices_and_context_window.json, or OpenRouter's list of models, as a price list of ours; and what was left out."""
    whole = parsed(text_of(path), str(path), whole=True)
    made: dict[str, dict[str, float]] = {}
    left: list[str] = []
    for name, item in _priced(whole, path):
        try:
            # Both say USD a token.
            each = {"input": float(item["input"]) * 1e6, "output": float(item["output"]) * 1e6}
            if item.get("cached_input") not in (None, ""):
                each["cached_input"] = float(item["cached_input"]) * 1e6
            if not all(math.isfinite(value) and value >= 0 for value in each.values()):
                raise ValueError
        except (KeyError, TypeError, ValueError):
            left.append(f"{name}: no price a token")
            continue
        made[name] = {key: round(value, 6) for key, value in each.items()}
    return {"date": date, "source": path.name, "prices": dict(sorted(made.items()))}, left


def _priced(whole, path: Path) -> Iterator[tuple[str, dict]]:
    if isinstance(whole, dict) and isinstance(whole.get("data"), list):
        for number, item in enumerate(whole["data"], 1):
            price = item.get("pricing") if isinstance(item, dict) else None
            if not isinstance(price, dict):
                yield str(item["id"]) if isinstance(item, dict) and "id" in item else f"data, item {number}", {}
                continue
            yield str(item.get("id")), {"input": price.get("prompt"), "output": price.get("completion"), "cached_input": price.get("input_cache_read")}
    elif isinstance(whole, dict) and any(isinstance(each, dict) and "input_cost_per_token" in each for each in whole.values()):
        for name, item in whole.items():
            if name != "sample_spec" and isinstance(item, dict):
                yield name, {"input": item.get("input_cost_per_token"), "output": item.get("output_cost_per_token"), "cached_input": item.get("cache_read_input_token_cost")}
    else:
        raise BadData(f'{path}: want LiteLLM\'s price file ({{"model": {{"input_cost_per_token": …}}}}) or OpenRouter\'s list ({{"data": [{{"id", "pricing"}}]}})')


def write(rows: list[dict], out: Path) -> None:
    """Our long form, CSV or JSON lines by the file's name; beside, then renamed."""
    partial = out.with_name(f".{out.name}.new")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        if out.suffix == ".csv":
            columns = list(dict.fromkeys(key for row in rows for key in row))
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        else:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    partial.replace(out)
