"""The last line of --json: the figures that a script wants."""

from __future__ import annotations

import json
import math

from .measures import KEPT
from .study import Study
from .verdict import Verdict


def number(value: float, digits: int = 4):
    """JSON knows no infinity: what is never reached is null."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def summary(study: Study, verdict: Verdict, written: bool) -> dict:
    """rows: scored cells' lines; cost_at_95: share of the best target's cost; points: 0…100."""
    made = {
        "rows": study.data.rows, "prompts": len(study.data.prompts), "targets": list(study.data.targets),
        "chosen": study.predictor if verdict.routes else None, "predictor": study.predictor, "routes": verdict.routes, "use": verdict.use,
        "verdict": verdict.text, "points_over_coin": number(study.chosen.figures.points, 3), "interval": [number(v, 3) for v in study.interval],
        "cost_at_95": number(study.chosen.figures.cost_at[KEPT.index(0.95)]),
    }
    if study.pair is not None:
        made |= {"apgr": number(study.pair["apgr"]), "cpt50": number(study.pair["cpt50"], 2), "cpt80": number(study.pair["cpt80"], 2)}
    left_out = study.unlike.get(study.predictor)
    return made | {
        "ece": number(study.ece), "left_out_points": number(left_out.figures.points, 3) if left_out else None, "written": written,
    }


def text(made: dict) -> str:
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))
