"""The report's pictures, drawn by matplotlib; its colours are swapped for the page's, which follow the reader's light or dark."""

from __future__ import annotations

import io
import re

TITLES_SHORT = {"label_table": "table by label", "clusters": "clusters", "head": "head", "blend": "blend"}
INK, FAINT = "#010101", "#020202"
COLOURS = {"label_table": "#030303", "clusters": "#040404", "head": "#050505", "blend": "#060606", "oracle": "#070707"}
"""Stand-ins that no other part of a picture uses."""
VARIABLES = {INK: "--ink", FAINT: "--faint", "#030303": "--c2", "#040404": "--c3", "#050505": "--c1", "#060606": "--c4", "#070707": "--c5"}

PALETTE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --faint: #6b6b6b; --line: #d8d8d8;
  --c1: #0b62a4; --c2: #a05a00; --c3: #1a7f37; --c4: #8a2be2; --c5: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --paper: #141414; --faint: #a0a0a0; --line: #3a3a3a;
  --c1: #6cb6ff; --c2: #f0a850; --c3: #5fd27a; --c4: #c79bff; --c5: #ff8a80; } }
svg text { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
"""


def alone(svg: str) -> str:
    """A picture as a file of its own, with its colours and their ground."""
    style = f"<style>{PALETTE}svg {{ background: var(--paper); }}</style>"
    return re.sub(r"(<svg [^>]*>)", lambda found: found[1] + style, svg, count=1)


def _figure(width: float, height: float):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    # Text stays text; ids do not depend on the run.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "llm-router", "font.family": "sans-serif", "font.size": 10})
    figure, axes = plt.subplots(figsize=(width, height))
    for side, spine in axes.spines.items():
        spine.set_color(FAINT)
        spine.set_visible(side in ("left", "bottom"))
    axes.tick_params(colors=INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    return figure, axes


def _svg(figure, label: str) -> str:
    import matplotlib.pyplot as plt

    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    source = out.getvalue()
    source = source[source.index("<svg"):]
    for colour, variable in VARIABLES.items():
        source = source.replace(colour, f"var({variable})")
    source = re.sub(r"<metadata>.*?</metadata>", "", source, flags=re.S)
    return re.sub(r"<svg ", f'<svg role="img" aria-label="{label}" ', source, count=1)


def curves(whole: dict) -> str:
    """Cost (USD a 1000 prompts) against quality: choosers, the coin, targets, the oracle."""
    figure, axes = _figure(8.5, 4.8)
    coin = whole["coin"]["curve"]
    axes.plot([1000 * c for c, _ in coin], [q for _, q in coin], color=FAINT, linestyle="--", linewidth=1.3, label="coin between targets")
    oracle = whole["oracle"]["curve"]
    axes.plot([1000 * c for c, _ in oracle], [q for _, q in oracle], color=COLOURS["oracle"], linestyle=":", linewidth=1.3, label="oracle")
    for key, one in whole["choosers"].items():
        line = one["curve"]
        axes.plot([1000 * c for c, _ in line], [q for _, q in line], color=COLOURS[key], linewidth=2.4 if key == whole["predictor"] else 1.1,
                  label=TITLES_SHORT[key] + (" (chosen)" if key == whole["predictor"] else ""))
    for target in whole["targets"]:
        axes.plot([1000 * target["cost_usd"]], [target["quality"]], "o", color=INK, markersize=5)
    _labels(axes, whole["targets"])
    axes.set_xlabel("USD a 1000 prompts")
    axes.set_ylabel("quality")
    axes.legend(frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9)
    return _svg(figure, "Cost against quality")


def _labels(axes, targets: list[dict]) -> None:
    """Names beside their points; where two points are close, the lower one's name goes below."""
    qualities = [t["quality"] for t in targets]
    near = max(1e-9, (max(qualities) - min(qualities)) * 0.045)
    costs = [t["cost_usd"] for t in targets]
    wide = max(1e-12, (max(costs) - min(costs)) * 0.25)
    for target in targets:
        crowd = [o for o in targets if o is not target and abs(o["quality"] - target["quality"]) < near and abs(o["cost_usd"] - target["cost_usd"]) < wide]
        below = any((o["quality"], o["name"]) > (target["quality"], target["name"]) for o in crowd)
        right = target["cost_usd"] < (min(costs) + max(costs)) / 2
        axes.annotate(target["name"], (1000 * target["cost_usd"], target["quality"]), xytext=(7 if right else -7, -11 if below else 3),
                      textcoords="offset points", ha="left" if right else "right", color=INK, fontsize=8)


def calibration(whole: dict) -> str:
    """Predicted against what came, a point for each tenth; the larger, the more answers."""
    figure, axes = _figure(4.2, 3.6)
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1)
    rows = whole["calibration"]["table"]
    axes.scatter([r["predicted"] for r in rows], [r["came"] for r in rows], s=[12 + 260 * r["share"] for r in rows], color=COLOURS["head"])
    axes.set_xlabel("predicted P(good)")
    axes.set_ylabel("share that was good")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    return _svg(figure, "Calibration")
