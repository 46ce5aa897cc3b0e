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


def _policies(lines: list[str]) -> range | None:
    """Lines under `policies:`, without empty ones at their end; None where there is none in block form."""
    section = config_lines.section(lines, "policies")
    if not section.stop:
        return None
    end = section.stop
    while end > section.start and not lines[end - 1].strip():
        end -= 1
    return range(section.start, end)


def _has(lines: list[str], section: range, name: str) -> bool:
    return any(re.match(rf"\s*-?\s*name:\s*[\"']?{re.escape(name)}[\"']?\s*(#.*)?$", lines[i]) for i in section)


def _targets(lines: list[str]) -> tuple[list[str], str | None]:
    """Names of the file's targets, and that of the one which stands where no other is said: the first that an entry names, or that there is."""
    known = list(config_lines.items(lines, config_lines.section(lines, "targets")))
    found = re.search(r"^\s*(?:-\s*\{.*?,\s*)?target:\s*[\"']?([^\s\"',}#]+)", "\n".join(lines), re.M)
    return known, found.group(1) if found else next(iter(known), None)


def check(config: Path, stanza: Stanza) -> None:
    """Refuses, before training, a file that the stanza can't be added to, or that would not pass with it."""
    try:
        lines = config.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"--config {config}: cannot be read ({error})") from None
    section = _policies(lines)
    if section is None:
        raise BadData(f"--config {config}: no line 'policies:' at the left margin to add {stanza.name} to; leave --config away and paste the stanza")
    if _has(lines, section, stanza.name):
        return
    known, usual = _targets(lines)
    if usual is None and not any(line.startswith("targets:") for line in lines):
        raise BadData(
            f"--config {config}: it has no 'targets:', which the stanza would name; `llm-router import v1` gives a file of v1's the form of today")
    unknown = sorted(stanza.names(usual or DEFAULT_TARGET) - set(known))
    if known and unknown:
        raise BadData(f"--config {config}: it has no target '{unknown[0]}'; there: {', '.join(known)}")


def add(config: Path, stanza: Stanza) -> str:
    """Adds the stanza (written beside, then renamed) unless the file has the policy; says what was done."""
    text = config.read_text(encoding="utf-8")
    lines = text.splitlines()
    section = _policies(lines)
    assert section is not None, "check() came first"
    if _has(lines, section, stanza.name):
        return f"{config} has a policy {stanza.name} already and stays as it is; compare its labels with:\n\n{stanza.text()}"
    item = next((found for i in section if (found := re.match(r"(\s*)- ", lines[i]))), None)
    endpoint = re.search(r"url:\s*[\"']?(grpc://[^\s/\"']+)/", text)
    addition = stanza.text(
        len(item.group(1)) if item else 2, _targets(lines)[1], endpoint.group(1) if endpoint else DEFAULT_ENDPOINT)
    partial = config.with_name(f".{config.name}.new")
    partial.write_text("\n".join([*lines[: section.stop], "", addition.rstrip("\n"), *lines[section.stop:]]) + "\n", encoding="utf-8")
    os.replace(partial, config)
    return f"added policy {stanza.name} to {config}; check it: npm run check-config -- {config}"
