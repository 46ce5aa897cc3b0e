"""Which setting to take: for a share of the best target's quality, or of its cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .study import Study

POINTS = {"cheap": 0.95, "balanced": 0.98, "best": None}
"""auto:cheap, auto:balanced, auto:best: share of the best target's quality to keep at the least cost; None: the most quality there is."""


@dataclass(frozen=True)
class Setting:
    """willingness_usd: what a good answer instead of a bad one is worth. cost, quality: shares of the best target's."""

    willingness_usd: float
    cost: float
    quality: float
    cost_usd: float


def setting(study: Study, *, keep: float | None = None, spend: float | None = None) -> Setting:
    """The cheapest setting that keeps this share of quality (else the one of most quality), or the best that spends this share at most."""
    measured = study.chosen
    best = int(study.score.mean(0).argmax())
    cost, quality = measured.cost / max(study.cost.mean(0)[best], 1e-30), measured.quality / max(study.score.mean(0)[best], 1e-30)
    if spend is not None:
        allowed = np.flatnonzero(cost <= spend)
        at = allowed[quality[allowed].argmax()] if len(allowed) else int(cost.argmin())
    else:
        enough = np.flatnonzero(quality >= keep) if keep is not None else []
        at = enough[cost[enough].argmin()] if len(enough) else int(np.lexsort((cost, -quality))[0])
    worth = study.worths[at]
    if np.isinf(worth):
        finite = study.worths[np.isfinite(study.worths)]
        worth = finite.max() * 10 if len(finite) else 1.0
    if worth == 0:
        positive = study.worths[study.worths > 0]
        worth = positive.min() / 10 if len(positive) else 1e-9
    return Setting(float(f"{worth:.3g}"), float(cost[at]), float(quality[at]), float(measured.cost[at]))


def points(study: Study) -> dict[str, Setting]:
    """The named points of the curve."""
    return {name: setting(study, keep=keep) for name, keep in POINTS.items()}
