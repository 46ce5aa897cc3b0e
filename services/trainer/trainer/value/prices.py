"""Prices of targets: from a file of the user's, from the router's configuration, or from the list that ships."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..rows import BadData, parsed, records, text_of
from .spend import Price

SHIPPED = Path(__file__).with_name("prices.json")


def read(path: Path) -> dict[str, Price]:
    """A table name,input,output (CSV or JSONL, USD a million tokens), or a list like the one that ships. Raises BadData."""
    if path.suffix.lower() == ".json":
        return listed(path)
    made: dict[str, Price] = {}
    for line, row in records(path):
        try:
            made[str(row["name"]).strip()] = Price(float(row["input"]), float(row["output"]))
        except (KeyError, TypeError, ValueError):
            raise BadData(f"{path}:{line}: want name,input,output with USD a million tokens; found {json.dumps(row)[:80]}") from None
    return made


def listed(path: Path = SHIPPED) -> dict[str, Price]:
    """A list {"date": "2026-11-29", "source": …, "prices": {"model": {"input": …, "output": …}}}."""
    whole = parsed(text_of(path), str(path), whole=True)
    try:
        return {name: Price(float(each["input"]), float(each["output"])) for name, each in whole["prices"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadData(f'{path}: want {{"date": "2026-11-29", "prices": {{"model": {{"input": 0.15, "output": 0.6}}}}}} with USD a million tokens') from None


def shipped_date(path: Path = SHIPPED) -> str:
    """Day of the list that ships."""
    return str(json.loads(path.read_text(encoding="utf-8"))["date"])


def by_name(targets: tuple[str, ...], known: dict[str, Price]) -> dict[str, Price]:
    """Prices of the targets that the list names, with or without the maker before a slash, whatever the case."""
    plain: dict[str, list[Price]] = {}
    for name, price in known.items():
        plain.setdefault(_plain(name), []).append(price)
    made = {}
    for target in targets:
        found = {(p.input, p.output): p for p in ([known[target]] if target in known else plain.get(_plain(target), []))}
        # Two makers' prices for one name are no price.
        if len(found) == 1:
            made[target] = next(iter(found.values()))
    return made


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.rsplit("/", 1)[-1].lower()).strip("-")
