"""Which language a prompt asks in, where its row doesn't say: by its script alone. For tables, never a feature."""

from __future__ import annotations

SCRIPTS = (
    ("el", 0x370, 0x3FF), ("cyrillic", 0x400, 0x52F), ("hy", 0x530, 0x58F), ("he", 0x590, 0x5FF), ("ar", 0x600, 0x77F),
    ("hi", 0x900, 0x97F), ("bn", 0x980, 0x9FF), ("pa", 0xA00, 0xA7F), ("gu", 0xA80, 0xAFF), ("ta", 0xB80, 0xBFF), ("te", 0xC00, 0xC7F),
    ("kn", 0xC80, 0xCFF), ("ml", 0xD00, 0xD7F), ("th", 0xE00, 0xE7F), ("ka", 0x10A0, 0x10FF), ("ko", 0x1100, 0x11FF), ("ja", 0x3040, 0x30FF),
    ("zh", 0x3400, 0x9FFF), ("ko", 0xAC00, 0xD7AF),
)
"""Language that a range of code points is taken for."""

OTHER_SCRIPTS = frozenset(("el", "ru", "uk", "bg", "sr", "hy", "he", "ar", "fa", "ur", "hi", "mr", "ne", "bn", "pa", "gu", "ta", "te", "kn", "ml", "th", "ka", "ko", "ja", "zh"))
UNKNOWN = "unknown"


def of(prompt: str, said: str | None = None) -> str:
    """ISO 639-1 as the row says, else by script; Latin letters are nobody's: `unknown`."""
    if said:
        return said.lower().replace("_", "-").split("-")[0]
    counts: dict[str, int] = {}
    latin = 0
    for letter in prompt[:1200]:
        code = ord(letter)
        if code < 0x250:
            latin += letter.isalpha()
            continue
        name = next((name for name, low, high in SCRIPTS if low <= code <= high), None)
        if name:
            counts[name] = counts.get(name, 0) + 1
    if not counts or max(counts.values()) * 4 < latin:
        return UNKNOWN
    best = max(counts, key=lambda name: counts[name])
    if best == "zh" and "ja" in counts:
        return "ja"
    if best == "cyrillic":
        return "uk" if any(letter in "іїєґІЇЄҐ" for letter in prompt) else "ru"
    return best


def group(language: str) -> str:
    """`English`, `other Latin` or `other scripts`."""
    if language in ("en", "xx", UNKNOWN):
        return "English"
    return "other scripts" if language in OTHER_SCRIPTS else "other Latin"
