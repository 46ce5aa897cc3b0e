"""A label policy's table in the router's configuration file: its targets are changed where they stand, all else stays as it was."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..policy_config import scalar
from ..policy_data import SHOWN
from ..rows import BadData

NAME = re.compile(r"""^(?P<indent>\s*)-\s*(?P<brace>\{\s*)?name:\s*(?P<quote>["']?)(?P<name>[^"',{}#]+?)(?P=quote)\s*(?:[,}].*|#.*)?$""")
TARGET = re.compile(r"""(?P<before>\btarget:\s*)(?P<value>"[^"]*"|'[^']*'|[^\s,}#]+)""")


def _section(lines: list[str], key: str) -> range:
    start = next((i for i, line in enumerate(lines) if re.match(rf"{key}:\s*(#.*)?$", line)), None)
    if start is None:
        return range(0)
    end = next((i for i in range(start + 1, len(lines)) if re.match(r"[^\s#-]", lines[i])), len(lines))
    return range(start + 1, end)


def _items(lines: list[str], within: range) -> dict[str, range]:
    """name → lines of each item of the outermost list there."""
    found = [(i, m) for i in within if (m := NAME.match(lines[i]))]
    if not found:
        return {}
    indent = min(len(m["indent"]) for _, m in found)
    starts = [(i, m["name"].strip()) for i, m in found if len(m["indent"]) == indent]
    ends = [i for i, _ in starts[1:]] + [within.stop]
    return {name: range(i, end) for (i, name), end in zip(starts, ends)}


def _entries(lines: list[str], config: Path, policy: str) -> dict[str, range]:
    policies = _items(lines, _section(lines, "policies"))
    if policy not in policies:
        raise BadData(f"--config {config}: no policy '{policy}' under 'policies:' in block form; there: {', '.join(policies) or 'none'}")
    block = policies[policy]
    start = next((i for i in block if re.match(r"\s+llms:\s*(#.*)?$", lines[i])), None)
    if start is None:
        raise BadData(f"--config {config}: policy '{policy}' has no list 'llms:' in block form to fill")
    own = len(lines[start]) - len(lines[start].lstrip())
    end = next(
        (i for i in range(start + 1, block.stop) if lines[i].strip() and not lines[i].lstrip().startswith("#")
         and (len(lines[i]) - len(lines[i].lstrip()) < own or (len(lines[i]) - len(lines[i].lstrip()) == own and not lines[i].lstrip().startswith("-")))),
        block.stop)
    return _items(lines, range(start + 1, end))


def _lines(config: Path) -> list[str]:
    try:
        return config.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"--config {config}: cannot be read ({error})") from None


def check(config: Path, policy: str, targets: tuple[str, ...]) -> None:
    """Refuses, before any work, a file whose table can't be filled with these targets."""
    lines = _lines(config)
    _entries(lines, config, policy)
    known = _items(lines, _section(lines, "targets"))
    unknown = [name for name in targets if name not in known]
    if unknown:
        raise BadData(
            f"--config {config}: the data's target(s) {', '.join(unknown[:SHOWN])} are no targets of the file; there: {', '.join(known) or 'none'}. "
            "Name them alike in both")


def fill(config: Path, policy: str, table: dict[str, str]) -> str:
    """Writes the targets (beside, then renamed); says what changed. Labels without an entry in the file are left out."""
    lines = _lines(config)
    changed = []
    for label, block in _entries(lines, config, policy).items():
        target = table.get(label)
        at = next((i for i in block if TARGET.search(lines[i]) and not lines[i].lstrip().startswith("#")), None)
        if target is None or at is None:
            continue
        old = TARGET.search(lines[at])["value"].strip("\"'")
        if old != target:
            lines[at] = TARGET.sub(lambda m, t=target: m["before"] + scalar(t), lines[at], count=1)
            changed.append(f"{label}: {old} → {target}")
    if not changed:
        return f"{config} says so already"
    partial = config.with_name(f".{config.name}.new")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.replace(partial, config)
    return f"changed {len(changed)} of {policy}'s targets in {config}: {'; '.join(changed)}; check it: npm run check-config -- {config}"
