"""The stanza of a value policy, as the configuration takes it."""

from __future__ import annotations

from dataclasses import dataclass

from ..policy_config import DEFAULT_ENDPOINT, scalar
from .familiarity import UNFAMILIAR
from .recommend import Setting


@dataclass(frozen=True)
class ValueStanza:
    """choose: of all points, the policy's own. use: the target where the classifier is away."""

    name: str
    targets: tuple[str, ...]
    use: str
    choose: Setting
    points: dict[str, Setting]

    def names(self, first: str) -> set[str]:
        return {*self.targets}

    def text(self, indent: int = 2, target: str | None = None, endpoint: str = DEFAULT_ENDPOINT) -> str:
        """YAML of the list item, `indent` spaces before its dash."""
        pad = " " * indent
        return "\n".join(pad + line for line in [
            f"- name: {self.name}", "  kind: value", f"  url: {endpoint}/{self.name}_ensemble",
            f"  targets: [{', '.join(scalar(name) if '/' not in name and ',' not in name else _quoted(name) for name in self.targets)}]",
            f"  fallback: {scalar(self.use)}",
            f"  choose: {{ willingness_usd: {self.choose.willingness_usd:g} }}",
            f"  unfamiliar: {{ below: {UNFAMILIAR:g} }}",
            "  points:", *(f"    {name}: {{ willingness_usd: {point.willingness_usd:g} }}" for name, point in self.points.items()),
        ]) + "\n"


def _quoted(name: str) -> str:
    import json

    return json.dumps(name, ensure_ascii=False)
