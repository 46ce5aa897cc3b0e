"""The report as plain data, as text, as JSON, and as a page."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from ..rows import BadData
from . import broken, calibration, recommend
from .curve import hull
from .familiarity import UNFAMILIAR
from .measures import KEPT, SPENT, Measured, figures
from .recommend import Setting
from .study import Study
from .verdict import Verdict

TITLES = {
    "coin": "coin between targets", "label_table": "table by label", "clusters": "clusters", "head": "head", "blend": "blend of these",
    "oracle": "oracle (knows every outcome)", "blind": "costs alone (short prompts to dear targets)",
}
SPENDS = (0.1, 0.25, 0.5, 0.75)
KEEPS = (0.95, 0.98, 1.0)


def _measured(one: Measured) -> dict:
    f = one.figures
    return {
        "points_over_coin": f.points, "interval": one.interval(lambda s: s.points),
        "cost_at": [{"keeps": k, "cost": c, "interval": one.interval(lambda s, i=i: s.cost_at[i])} for i, (k, c) in enumerate(zip(KEPT, f.cost_at))],
        "quality_at": [{"spends": k, "quality": q, "interval": one.interval(lambda s, i=i: s.quality_at[i])} for i, (k, q) in enumerate(zip(SPENT, f.quality_at))],
        "curve": [[float(c), float(q)] for c, q in sorted(zip(one.cost, one.quality))],
    }


def build(name: str, study: Study, verdict: Verdict, choose: Setting) -> dict:
    """Plain data. Costs are USD a prompt where they are absolute, else shares of the best target's; so is quality."""
    quality, cost = study.score.mean(0), study.cost.mean(0)
    best = int(quality.argmax())
    x, y = hull(cost, quality)
    coin = figures(x, y, cost, quality)
    predicted = study.held.predicted[study.predictor]
    made = {
        "name": name, "verdict": verdict.text, "routes": verdict.routes, "use": verdict.use, "predictor": study.predictor,
        "rows": study.data.rows, "prompts": len(study.data.prompts), "notes": list(study.data.notes), "best": study.data.targets[best],
        "unmeasured": float(np.isnan(study.data.score).mean()),
        "targets": [
            {"name": t, "quality": float(q), "cost_usd": float(c), "cost": float(c / max(cost[best], 1e-30)), "tried": int(n)}
            for t, q, c, n in zip(study.data.targets, quality, cost, (~np.isnan(study.data.score)).sum(0))
        ],
        "coin": {"cost_at": list(coin.cost_at), "quality_at": list(coin.quality_at), "curve": [[float(a), float(b)] for a, b in zip(x, y)]},
        "choosers": {key: _measured(one) for key, one in study.like.items()}, "oracle": _measured(study.oracle), "blind": _measured(study.blind),
        "simplest": {key: {"behind_best": gap, "standard_error": error} for key, (gap, error) in study.differences.items()},
        "calibration": {"ece": study.ece, "table": calibration.table(predicted, study.data.score)},
        "suspects": [each.text() for each in broken.suspects(study.data)],
        "pair": study.pair, "setting": vars(choose),
        "settings": [
            *({"for": f"at most {share:.0%} of {study.data.targets[best]}'s cost", **vars(recommend.setting(study, spend=share))} for share in SPENDS),
            *({"for": f"at least {share:.0%} of {study.data.targets[best]}'s quality", **vars(recommend.setting(study, keep=share))} for share in KEEPS),
        ],
        "left_out": _left_out(study),
    }
    return made


def _left_out(study: Study) -> dict | None:
    held = study.held_unlike
    if held is None:
        return None
    stranger = held.familiar < UNFAMILIAR
    predicted = held.predicted[study.predictor]
    names = np.array(study.data.groups)
    return {
        "choosers": {key: _measured(one) for key, one in study.unlike.items()},
        "unfamiliar": float(stranger.mean()),
        "ece": calibration.ece(predicted, study.data.score),
        "groups": [
            {"group": str(g), "prompts": int((names == g).sum()), "unfamiliar": float(stranger[names == g].mean()),
             "ece": calibration.ece(predicted[names == g], study.data.score[names == g])}
            for g in np.unique(names)
        ],
    }


def share(value: float) -> str:
    return "–" if value is None or math.isnan(value) else "never" if math.isinf(value) else f"{value:.2f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns apart by two spaces, the first one left, the others right."""
    cells = [head, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip() for row in cells)


def rows_of(whole: dict, choosers: dict, coin: bool = True) -> list[list[str]]:
    """Rows of the table of choosers."""
    made = [["coin between targets", "0.0", "", *map(share, whole["coin"]["cost_at"]), *map(share, whole["coin"]["quality_at"])]] if coin else []
    for key, one in choosers.items():
        low, high = one["interval"]
        made.append([
            TITLES.get(key, key), f"{one['points_over_coin']:+.1f}", f"[{low:+.1f}, {high:+.1f}]",
            *(share(each["cost"]) for each in one["cost_at"]), *(share(each["quality"]) for each in one["quality_at"]),
        ])
    return made


HEAD = ["", "points", "95 %", *(f"cost at {k:.0%}" for k in KEPT), *(f"quality at {s:.0%}" for s in SPENT)]


def text(whole: dict) -> str:
    """For a terminal."""
    best = whole["best"]
    parts = [
        f"\n{whole['verdict']}\n",
        table(["target alone", "quality", "USD a 1000", "cost", "prompts"], [
            [t["name"], f"{t['quality']:.3f}", f"{1000 * t['cost_usd']:.4g}", f"{t['cost']:.2f}", str(t["tried"])]
            for t in sorted(whole["targets"], key=lambda t: -t["quality"])
        ]),
        f"\nPrompts like these, cross-validated. Points: quality over the coin at equal cost; costs and quality as shares of {best}'s:\n",
        table(HEAD, rows_of(whole, {"blind": whole["blind"], **whole["choosers"], "oracle": whole["oracle"]})),
    ]
    if whole["left_out"] is not None:
        left = whole["left_out"]
        parts += [
            f"\nPrompts unlike these: whole groups left out, what is unfamiliar ({left['unfamiliar']:.0%}) drawn to the targets' means. ECE {left['ece']:.3f}:\n",
            table(HEAD, rows_of(whole, left["choosers"], coin=False)),
        ]
    parts.append(f"\nCalibration of {TITLES[whole['predictor']]}: ECE {whole['calibration']['ece']:.3f}")
    if whole["pair"] is not None:
        p = whole["pair"]
        parts.append(f"Two targets as RouteLLM measures: APGR {p['apgr']:.3f}, CPT50 {p['cpt50']:.1f} %, CPT80 {p['cpt80']:.1f} %")
    parts += [f"Look at this: {each}" for each in whole["suspects"]]
    parts += ["", table(["setting for", "willingness_usd", "cost", "quality"], [
        [s["for"], f"{s['willingness_usd']:g}", f"{s['cost']:.2f}", f"{s['quality']:.3f}"] for s in whole["settings"]
    ])]
    return "\n".join(parts) + "\n"


def clean(value):
    """For JSON, which knows neither infinity nor NaN."""
    if isinstance(value, dict):
        return {key: clean(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


SUFFIXES = (".html", ".svg", ".json", ".txt")


def check(path: Path) -> None:
    """Raises BadData for a name of none of our forms: before minutes of work."""
    if path.suffix not in SUFFIXES:
        raise BadData(f"--report {path}: want a name that ends in {', '.join(SUFFIXES)}")
    if path.is_dir():
        raise BadData(f"--report {path}: is a folder; want a file in it")


def write(path: Path, whole: dict) -> None:
    """A page for .html, the curve for .svg, data for .json, text for .txt; beside, then renamed. Raises BadData for other names."""
    from . import page, picture

    writers = {
        ".html": lambda: page.html(whole), ".svg": lambda: picture.alone(picture.curves(whole)),
        ".json": lambda: json.dumps(clean(whole), ensure_ascii=False, indent=1) + "\n", ".txt": lambda: text(whole),
    }
    check(path)
    content = writers[path.suffix]()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.new")
        partial.write_text(content, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise BadData(f"--report {path}: cannot be written ({error.strerror})") from None
