"""Two targets, as RouteLLM measures: APGR, CPT50 and CPT80 over the share of prompts that the stronger one gets."""

from __future__ import annotations

import numpy as np

STEPS = 10


def pair(advantage: np.ndarray, weak: np.ndarray, strong: np.ndarray, seed: int = 0) -> dict[str, float]:
    """advantage: predicted P(strong) − P(weak); weak, strong: scores. All [prompts].

    apgr: area under the share of the quality gap that is recovered, as the share of strong calls grows by tenths (0 weak
    alone, 1 strong alone, ½ a coin). cpt50, cpt80: percent of strong calls that recover 50 and 80 % of the gap.
    """
    jitter = np.random.default_rng(seed).permutation(len(advantage))
    order = np.lexsort((jitter, -advantage))
    gap = strong.mean() - weak.mean()
    if gap <= 0:
        return {"apgr": float("nan"), "cpt50": float("nan"), "cpt80": float("nan")}
    sums = np.concatenate([[0], np.cumsum((strong - weak)[order])]) / len(order)
    shares = np.linspace(0, 1, STEPS + 1)
    recovered = np.interp(shares * len(order), np.arange(len(order) + 1), sums) / gap
    area = float(np.trapezoid(recovered, shares)) if hasattr(np, "trapezoid") else float(np.trapz(recovered, shares))
    return {"apgr": area, "cpt50": _reach(shares, recovered, 0.5), "cpt80": _reach(shares, recovered, 0.8)}


def _reach(shares: np.ndarray, recovered: np.ndarray, wanted: float) -> float:
    """Percent of strong calls where the curve first reaches a share of the gap."""
    for i in range(1, len(shares)):
        if recovered[i] >= wanted:
            low, high = recovered[i - 1], recovered[i]
            return float(100 * (shares[i - 1] + (shares[i] - shares[i - 1]) * (wanted - low) / (high - low)))
    return 100.0
