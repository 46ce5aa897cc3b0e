"""A label policy's table in the router's configuration file: its targets are changed where they stand, all else stays as it was."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..config_lines import items, section
from ..policy_config import scalar
from ..policy_data import SHOWN
from ..rows import BadData
from . import table_entry
from .table_entry import Says


def _entries(lines: list[str], config: Path, policy: str) -> dict[str, range]:
    policies = items(lines, section(lines, "policies"))
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
    return items(lines, range(start + 1, end))


def _lines(config: Path) -> list[str]:
    try:
        return config.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"--config {config}: cannot be read ({error})") from None


def _known(lines: list[str], config: Path) -> dict[str, Says]:
    """Whom an entry may name: the file's targets, and models that entries of v1's form name themselves (the first of each)."""
    made: dict[str, Says] = {name: {"target": scalar(name)} for name in items(lines, section(lines, "targets"))}
    for policy in items(lines, section(lines, "policies")):
        try:
            entries = _entries(lines, config, policy)
        except BadData:
            continue  # a policy of another kind
        for block in entries.values():
            says = table_entry.says(lines, block)
            if "model" in says:
                made.setdefault(table_entry.plain(says["model"]), says)
    return made


def check(config: Path, policy: str, targets: tuple[str, ...]) -> None:
    """Refuses, before any work, a file whose table can't be filled with these targets."""
    lines = _lines(config)
    _entries(lines, config, policy)
    known = _known(lines, config)
    unknown = [name for name in targets if name not in known]
    if unknown:
        raise BadData(
            f"--config {config}: the data's target(s) {', '.join(unknown[:SHOWN])} are neither targets of the file nor models of its entries; there: "
            f"{', '.join(known) or 'none'}. Name them alike in both")


def fill(config: Path, policy: str, table: dict[str, str]) -> str:
    """Writes who answers each label (beside, then renamed); says what changed, and which entries of another form were left."""
    lines = _lines(config)
    known = _known(lines, config)
    changes, left = [], []
    # From the last to the first: an entry may get another number of lines.
    for label, block in reversed(_entries(lines, config, policy).items()):
        target, says = table.get(label), table_entry.says(lines, block)
        if target is None:
            continue
        old = table_entry.plain(says.get("target") or says.get("model") or "")
        if old == target:
            continue
        made = table_entry.changed(lines, block, known[target]) if old else None
        if made is None:
            left.append(label)
            continue
        lines[block.start: block.stop] = made
        changes.append(f"{label}: {old} → {target}")
    told = f"; left as they are, because one line with `target:` or `model:` is wanted: {', '.join(reversed(left))}" if left else ""
    if not changes:
        return (f"{config}: nothing to change" if left else f"{config} says so already") + told
    partial = config.with_name(f".{config.name}.new")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.replace(partial, config)
    return f"changed {len(changes)} of {policy}'s targets in {config}: {'; '.join(reversed(changes))}{told}; check it: npm run check-config -- {config}"
