"""Targets that look broken in the data: near zero on a kind of prompts where their peers are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .outcomes import Outcomes

NEAR_ZERO = 0.05
PEERS = 0.4
LEAST_ROWS = 15


@dataclass(frozen=True)
class Suspect:
    """group: empty for all prompts. peers: median score of the others there."""

    target: str
    group: str
    score: float
    peers: float
    rows: int

    def text(self) -> str:
        where = f" on '{self.group}'" if self.group else ""
        return (
            f"{self.target} scores {self.score:.2f}{where} ({self.rows} prompts) where the others' median is {self.peers:.2f}: "
            "a wrong answer format, a refused key or a cut answer? Routing around it looks better than it is")


def suspects(data: Outcomes) -> list[Suspect]:
    """Over all prompts, and in each group."""
    kinds = [("", np.arange(len(data.prompts)))]
    if data.groups is not None:
        names = np.array(data.groups)
        kinds += [(str(name), np.flatnonzero(names == name)) for name in np.unique(names)]
    found: list[Suspect] = []
    for group, rows in kinds:
        known = ~np.isnan(data.score[rows])
        counts = known.sum(0)
        mean = np.where(known, data.score[rows], 0).sum(0) / np.maximum(counts, 1)
        for t, name in enumerate(data.targets):
            others = [mean[o] for o in range(len(mean)) if o != t and counts[o] >= LEAST_ROWS]
            whole = any(each.target == name and not each.group for each in found)
            if counts[t] >= LEAST_ROWS and others and mean[t] <= NEAR_ZERO and np.median(others) >= PEERS and not whole:
                found.append(Suspect(name, group, float(mean[t]), float(np.median(others)), int(counts[t])))
    return found
