"""Who answers a label, in its entry of the table: `target: NAME`, or in v1's form what names the upstream itself.

An entry that gets a model which only other entries of the file name takes over all that they say of it.
"""

from __future__ import annotations

import re

KEYS = ("target", "api_base", "api_key", "model")
FIELD = re.compile(rf"""^(?P<before>\s*(?:-\s+)?)(?P<key>{"|".join(KEYS)}):(?P<space>\s*)(?P<value>"[^"]*"|'[^']*'|[^\s#][^#]*?)(?P<after>\s*(?:\s#.*)?)$""")
FLOW = re.compile(r"""(?P<before>\{.*\btarget:\s*)(?P<value>"[^"]*"|'[^']*'|[^\s,}#]+)""")

Says = dict[str, str]
"""Values of KEYS as they stand in the file."""


def plain(value: str) -> str:
    """A YAML scalar's text."""
    return value.strip("\"'")


def _fields(lines: list[str], block: range) -> dict[str, tuple[int, re.Match]]:
    """Line of each of KEYS that the entry has itself, in block form."""
    column = lines[block.start].index("name:")
    found = ((i, FIELD.match(lines[i])) for i in block)
    return {m["key"]: (i, m) for i, m in found if m and len(m["before"]) == column}


def says(lines: list[str], block: range) -> Says:
    """Empty for an entry of another form, as one with weights."""
    flow = FLOW.search(lines[block.start])
    return {"target": flow["value"]} if flow else {key: m["value"] for key, (_, m) in _fields(lines, block).items()}


def changed(lines: list[str], block: range, to: Says) -> list[str] | None:
    """The entry's lines with somebody else to answer; a kept line's comment stays. None: an entry on one line can't take that."""
    if FLOW.search(lines[block.start]):
        if "target" not in to:
            return None
        return [FLOW.sub(lambda m: m["before"] + to["target"], lines[block.start], count=1), *(lines[i] for i in block[1:])]
    found = _fields(lines, block)
    last = max(i for i, _ in found.values())
    by_line = dict(found.values())
    made = []
    for i in block:
        m = by_line.get(i)
        if m is None:
            made.append(lines[i])
        elif m["key"] in to:
            made.append(f"{m['before']}{m['key']}:{m['space']}{to[m['key']]}{m['after']}")
        if i == last:
            made += [f"{' ' * len(by_line[i]['before'])}{key}: {to[key]}" for key in KEYS if key in to and key not in found]
    return made
