"""Small changes that real traffic has and curated data lacks. None changes what a prompt asks for."""

from __future__ import annotations

import numpy as np

OPENERS = (
    "hi, ", "hey! ", "hello, ", "please ", "pls ", "can you ", "could you please ", "quick one: ", "ok so ", "hi there\n",
    "I need your help. ", "sorry to bother you, ", "for work: ", "Hello team,\n", "@bot ", "so, ", "one more thing. ",
)
CLOSERS = (" thanks!", " thx", " please", " Thank you.", " asap", " ok?", "\n\nThanks,\nM.", " 🙏", " pls")
BOILERPLATE = (
    "You are a helpful assistant.\n\n", "You are an expert assistant. Answer carefully.\n\n", "System: be concise.\n\nUser: ",
    "### Instruction\n", "[context: web chat]\n", "<user>", "Question from a user:\n", "Q: ",
)


def typo(word: str, rng: np.random.Generator) -> str:
    """One slip of the finger: a swap, a drop or a double."""
    if len(word) < 4 or not word.isalpha():
        return word
    at = int(rng.integers(1, len(word) - 1))
    kind = rng.integers(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2:]
    return word[:at] + word[at + 1:] if kind == 1 else word[:at] + word[at] + word[at:]


def vary(text: str, rng: np.random.Generator) -> str:
    """The text, in about half of all cases changed in one or two small ways."""
    if rng.random() < 0.5 or len(text) < 12:
        return text
    if rng.random() < 0.25 and len(text) < 600:
        words = text.split(" ")
        for _ in range(max(1, len(words) // 12)):
            at = int(rng.integers(len(words)))
            words[at] = typo(words[at], rng)
        text = " ".join(words)
    if rng.random() < 0.2:
        text = text.rstrip("?.!")
    if rng.random() < 0.15:
        text = OPENERS[int(rng.integers(len(OPENERS)))] + text
    if rng.random() < 0.12:
        text = text + CLOSERS[int(rng.integers(len(CLOSERS)))]
    if rng.random() < 0.08:
        text = BOILERPLATE[int(rng.integers(len(BOILERPLATE)))] + text
    return text
