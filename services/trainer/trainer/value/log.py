"""What a router has decided and was told of its answers, as outcomes: one target a request, with the chance that it had.

Targets were not drawn evenly: a policy sends what it finds easy to the cheap one, so the mean of a target's scores says more of its
prompts than of it. The decision log has the probability of each choice, which is what takes that out.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..rows import BadData
from .outcomes import Outcomes

LEAST_SCORED = 300
"""Scored requests of each target, below which estimates are more noise than news."""
MOST_REQUESTS = 50_000
DRAWN = ("value", "floor_unreachable", "unfamiliar", "explore")
"""Reasons of choices that were made by lot."""


@dataclass
class _Read:
    requests: list[dict] = field(default_factory=list)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    left: Counter = field(default_factory=Counter)
    others: Counter = field(default_factory=Counter)
    targets: tuple[str, ...] | None = None


def _lines(path: Path):
    """(where, object) of each line; the last one may be torn, as of a log that is being written."""
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    lines = content.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            made = json.loads(line)
        except (ValueError, RecursionError):
            if number == len(lines):
                return
            raise BadData(f"{path}:{number}: not JSON; want lines of the decision log") from None
        if not isinstance(made, dict):
            raise BadData(f"{path}:{number}: want an object, not {line[:40]}")
        yield f"{path}:{number}", made


def _feedback(read: _Read, where: str, line: dict) -> None:
    request, score = line.get("request_id"), line.get("score")
    if not isinstance(request, str) or isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise BadData(f'{where}: want {{"request_id": "…", "score": 0.8, "source": "user"}} with a score from 0 to 1')
    # A source's first word stands, as in the router.
    read.scores.setdefault(request, {}).setdefault(str(line.get("source")), float(score))


def _why_not(line: dict, encoder: str) -> str | None:
    """Why nothing can be learnt from a request; None: something can."""
    value, embedding = line.get("value"), line.get("embedding")
    if not value or line.get("reason") not in DRAWN:
        return "were not chosen by value"
    if line.get("status", 0) >= 400 or line.get("target") != line.get("entry"):
        return "were not answered by the target that was chosen"
    if any(each.get("why") is not None for each in value["targets"]):
        return "might not be sent to every target"
    if not 0 < value["propensity"] < 1:
        return "were not drawn by lot (`explore` was 0, they had a setting of their own, or their conversation went on)"
    if not embedding:
        return "have no embedding (`decision_log: { embedding: true }`)"
    if embedding["of"] != encoder:
        return "were read by another encoder"
    return None


def read(logs: list[Path], feedback: list[Path], policy: str, encoder: str) -> tuple[Outcomes, np.ndarray]:
    """Outcomes with weights, and the requests' embeddings [requests, width]. encoder: fingerprint of the one that is served.

    Raises BadData where that is not enough to learn from; it says what is missing.
    """
    found = _Read()
    for path in logs:
        for where, line in _lines(path):
            if line.get("type") == "feedback":
                _feedback(found, where, line)
                continue
            if line.get("policy") != policy:
                found.others[str(line.get("policy"))] += 1
                continue
            try:
                why = _why_not(line, encoder)
                if why is None:
                    found.requests.append(_taken(found, line, where))
                else:
                    found.left[why] += 1
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise BadData(f"{where}: not a line of the decision log ({type(error).__name__}: {error})") from None
    for path in feedback:
        for where, line in _lines(path):
            _feedback(found, where, line)
    return _outcomes(found, policy, logs)


def _taken(found: _Read, line: dict, where: str) -> dict:
    offers = {each["target"]: each for each in line["value"]["targets"]}
    names = tuple(sorted(offers))
    if found.targets is None:
        found.targets = names
    elif names != found.targets:
        raise BadData(f"{where}: targets {', '.join(names)}, where lines above have {', '.join(found.targets)}; give the log of one list of targets")
    vector = np.frombuffer(base64.b64decode(line["embedding"]["f16"]), "<f2")
    if not np.isfinite(vector).all() or not len(vector):
        raise ValueError("embedding")
    usage = line.get("usage") or {}
    return {
        "id": line["request_id"], "text": line["text_sha256"], "target": names.index(line["entry"]), "propensity": float(line["value"]["propensity"]),
        "vector": vector, "cost": line.get("cost_usd"), "output": usage.get("completionTokens"),
        "input": [float(offers[name]["input_tokens"]) for name in names],
    }


def _outcomes(found: _Read, policy: str, logs: list[Path]) -> tuple[Outcomes, np.ndarray]:
    left = "; ".join(f"{count:,} {why}" for why, count in found.left.most_common())
    where = ", ".join(map(str, logs))
    if not found.requests:
        others = f" The log has other policies: {', '.join(sorted(found.others))} (--policy-of)." if found.others and not found.left else ""
        raise BadData(f"{where}: no request of policy '{policy}' to learn from" + (f": {left}" if left else "") + "." + others)
    requests = found.requests[-MOST_REQUESTS:]
    targets = found.targets or ()
    widths = {len(each["vector"]) for each in requests}
    if len(widths) > 1:
        raise BadData(f"{where}: embeddings of {len(widths)} widths; give the log of one encoder")
    shape = (len(requests), len(targets))
    score, cost, output, weight = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape)
    chosen = np.array([each["target"] for each in requests])
    told = np.array([each["id"] in found.scores for each in requests])
    counts = [int((told & (chosen == t)).sum()) for t in range(len(targets))]
    few = [f"'{name}' has {count}" for name, count in zip(targets, counts) if count < LEAST_SCORED]
    if few:
        raise BadData(
            f"{where}: fewer than {LEAST_SCORED} scored requests drawn by lot of {len(few)} target(s): {', '.join(few)}. Explore more (`explore` of the policy), send "
            f"more feedback (POST /v1/feedback), or wait; until then `value:collect` makes scores" + (f". Left out: {left}" if left else ""))
    # Scores may be rarer for one target than for another: that is a part of the chance to see one.
    rate = [count / max(1, int((chosen == t).sum())) for t, count in enumerate(counts)]
    for i, each in enumerate(requests):
        t = each["target"]
        if not told[i]:
            continue
        said = found.scores[each["id"]]
        score[i, t] = sum(said.values()) / len(said)
        weight[i, t] = 1 / (each["propensity"] * rate[t])
        if each["cost"] is not None:
            cost[i, t] = each["cost"]
        if each["output"] is not None:
            output[i, t] = each["output"]
    notes = (
        f"{int(told.sum()):,} of {len(requests):,} requests are scored; each counts by 1 / the chance that its target had (doubly robust estimates)",
        *([f"left out: {left}"] if left else []),
    )
    made = Outcomes(
        [each["text"] for each in requests], targets, score, cost, np.array([each["input"] for each in requests]), output, None, int(told.sum()), notes, weight,
    )
    return made, np.stack([each["vector"] for each in requests]).astype(np.float32)
