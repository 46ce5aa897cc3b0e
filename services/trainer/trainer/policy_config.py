"""The policy's stanza for the router's configuration file: printed, or added where `policies:` ends, comments kept."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from . import config_lines
from .rows import BadData

DEFAULT_ENDPOINT = "grpc://127.0.0.1:8001"
DEFAULT_TARGET = "llama-8b"
"""A target of config/router.yaml."""


@dataclass(frozen=True)
class Stanza:
    """One policy: every label goes to `target`, but for those that `routes` names."""

    name: str
    labels: tuple[str, ...]
    fallback: str
    target: str | None
    routes: dict[str, str]

    def names(self, first: str) -> set[str]:
        """Targets that the stanza names; first: where no other is said."""
        return {self.routes.get(label, self.target or first) for label in self.labels}

    def text(self, indent: int = 2, target: str | None = None, endpoint: str = DEFAULT_ENDPOINT) -> str:
        """YAML of the list item, `indent` spaces before its dash."""
        pad = " " * indent
        rest = self.target or target or DEFAULT_TARGET
        lines = [
            f"{pad}- name: {self.name}", f"{pad}  url: {endpoint}/{self.name}_ensemble", f"{pad}  fallback: {scalar(self.fallback)}",
            f"{pad}  llms:",
        ]
        for label in self.labels:
            lines += [f"{pad}    - name: {scalar(label)}", f"{pad}      target: {scalar(self.routes.get(label, rest))}"]
        return "\n".join(lines) + "\n"


def scalar(text: str) -> str:
    """Plain where YAML reads it as the same string, else double-quoted (JSON strings are YAML)."""
    plain = re.fullmatch(r"[A-Za-z][\w .&/()-]*", text) and text == text.strip() and ": " not in text
    reserved = text.lower() in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
    return text if plain and not reserved else json.dumps(text, ensure_ascii=False)


def _section(lines: list[str]) -> tuple[int, int] | None:
    """Lines of `policies:`, first inclusive, last exclusive; None where there is none in block form."""
    start = next((i for i, line in enumerate(lines) if re.match(r"policies:\s*(#.*)?$", line)), None)
    if start is None:
        return None
    end = next((i for i in range(start + 1, len(lines)) if re.match(r"[^\s#-]", lines[i])), len(lines))
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return start, end


def _has(lines: list[str], section: tuple[int, int], name: str) -> bool:
    return any(re.match(rf"\s*-?\s*name:\s*[\"']?{re.escape(name)}[\"']?\s*(#.*)?$", line) for line in lines[section[0]: section[1]])


def _first_target(text: str) -> str | None:
    found = re.search(r"^\s*(?:-\s*\{.*?,\s*)?target:\s*[\"']?([^\s\"',}#]+)", text, re.M)
    return found.group(1) if found else None


def check(config: Path, stanza: Stanza) -> None:
    """Refuses, before training, a file that the stanza can't be added to, or that would not pass with it."""
    try:
        lines = config.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"--config {config}: cannot be read ({error})") from None
    section = _section(lines)
    if section is None:
        raise BadData(f"--config {config}: no line 'policies:' at the left margin to add {stanza.name} to; leave --config away and paste the stanza")
    if _has(lines, section, stanza.name):
        return
    known = list(config_lines.items(lines, config_lines.section(lines, "targets")))
    first = _first_target("\n".join(lines))
    wanted = stanza.names(first or next(iter(known), DEFAULT_TARGET))
    if not known and not any(line.startswith("targets:") for line in lines) and first is None:
        raise BadData(
            f"--config {config}: it has no 'targets:', which the stanza would name; `llm-router import v1` gives a file of v1's the form of today")
    unknown = sorted(wanted - set(known))
    if known and unknown:
        raise BadData(f"--config {config}: it has no target '{unknown[0]}'; there: {', '.join(known)}")


def add(config: Path, stanza: Stanza) -> str:
    """Adds the stanza (written beside, then renamed) unless the file has the policy; says what was done."""
    text = config.read_text(encoding="utf-8")
    lines = text.splitlines()
    section = _section(lines)
    assert section is not None, "check() came first"
    start, end = section
    if _has(lines, section, stanza.name):
        return f"{config} has a policy {stanza.name} already and stays as it is; compare its labels with:\n\n{stanza.text()}"
    item = next((re.match(r"(\s*)- ", line) for line in lines[start + 1: end] if re.match(r"\s*- ", line)), None)
    endpoint = re.search(r"url:\s*[\"']?(grpc://[^\s/\"']+)/", text)
    target = _first_target(text) or next(iter(config_lines.items(lines, config_lines.section(lines, "targets"))), None)
    addition = stanza.text(
        len(item.group(1)) if item else 2, target, endpoint.group(1) if endpoint else DEFAULT_ENDPOINT)
    partial = config.with_name(f".{config.name}.new")
    partial.write_text("\n".join([*lines[:end], "", addition.rstrip("\n"), *lines[end:]]) + "\n", encoding="utf-8")
    os.replace(partial, config)
    return f"added policy {stanza.name} to {config}; check it: npm run check-config -- {config}"
