"""Places in the router's configuration file, found by its lines: no parser of YAML is installed, and comments must stay."""

from __future__ import annotations

import re

NAME = re.compile(r"""^(?P<indent>\s*)-\s*(?:&\S+\s+)?(?P<brace>\{\s*)?name:\s*(?P<quote>["']?)(?P<name>[^"',{}#]+?)(?P=quote)\s*(?:[,}].*|#.*)?$""")


def section(lines: list[str], key: str) -> range:
    """Lines under a key at the left margin; empty where there is none in block form."""
    start = next((i for i, line in enumerate(lines) if re.match(rf"{key}:\s*(#.*)?$", line)), None)
    if start is None:
        return range(0)
    end = next((i for i in range(start + 1, len(lines)) if re.match(r"[^\s#-]", lines[i])), len(lines))
    return range(start + 1, end)


def items(lines: list[str], within: range) -> dict[str, range]:
    """name → lines of each item of the outermost list there."""
    found = [(i, m) for i in within if (m := NAME.match(lines[i]))]
    if not found:
        return {}
    indent = min(len(m["indent"]) for _, m in found)
    starts = [(i, m["name"].strip()) for i, m in found if len(m["indent"]) == indent]
    ends = [i for i, _ in starts[1:]] + [within.stop]
    return {name: range(i, end) for (i, name), end in zip(starts, ends)}
