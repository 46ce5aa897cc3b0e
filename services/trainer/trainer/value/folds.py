"""Who is held back with whom."""

from __future__ import annotations

import re

import numpy as np

SOURCE_ROWS = 10
"""A group of at least so many prompts is a kind of prompts; smaller ones (a conversation, a user) only stay together."""
MOST_LEFT_OUT = 15
LEAST_UNITS = 20
"""Prompts that differ in more than numbers and punctuation, below which holding some back tells nothing."""


def twins(prompts: list[str]) -> np.ndarray:
    """One number for all prompts that differ in numbers, case, spaces and punctuation alone, [prompts]."""
    keys: dict[str, int] = {}
    return np.array([keys.setdefault(re.sub(r"[\W\d_]+", " ", prompt.casefold()).strip() or prompt, len(keys)) for prompt in prompts])


def like(prompts: list[str], groups: tuple[str, ...] | None, count: int, seed: int) -> np.ndarray:
    """Fold of each prompt: prompts like the rest. Near duplicates and small groups stay together, large groups are spread evenly."""
    unit = twins(prompts)
    source = np.zeros(len(prompts), int)
    if groups is not None:
        names, index, sizes = np.unique(np.array(groups), return_inverse=True, return_counts=True)
        if np.median(sizes[index]) < SOURCE_ROWS:
            unit = index
        else:
            source = index
    rng = np.random.default_rng(seed)
    fold = np.zeros(len(prompts), int)
    start = 0
    for kind in np.unique(source):
        members = np.unique(unit[source == kind])
        # Dealt out like cards, where the last kind stopped.
        dealt = dict(zip(rng.permutation(members).tolist(), (start + np.arange(len(members))) % count))
        for i in np.flatnonzero(source == kind):
            fold[i] = dealt[int(unit[i])]
        start += len(members)
    return fold


def unlike(groups: tuple[str, ...] | None, seed: int) -> np.ndarray | None:
    """Fold of each prompt so that whole groups are left out; None where there are no two groups to speak of."""
    if groups is None:
        return None
    names, index, sizes = np.unique(np.array(groups), return_inverse=True, return_counts=True)
    if (sizes >= SOURCE_ROWS).sum() < 2 or np.median(sizes[index]) < SOURCE_ROWS:
        return None
    if len(names) <= MOST_LEFT_OUT:
        return index
    return (np.random.default_rng(seed).permutation(len(names)) % MOST_LEFT_OUT)[index]
