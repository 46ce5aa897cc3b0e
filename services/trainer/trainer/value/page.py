"""The report as one page that needs nothing beside it: tables, and the curve as SVG that reads in light and in dark."""

from __future__ import annotations

from html import escape

from . import picture
from .report import HEAD, TITLES, rows_of, share

STYLE = picture.PALETTE + """
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right; } th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; color: var(--faint); } .verdict { font-size: 1.15rem; border-left: 4px solid var(--c1); padding: .5rem 1rem; }
.note { color: var(--faint); } svg { max-width: 100%; height: auto; } div.wide { overflow-x: auto; }
"""


def _table(head: list[str], rows: list[list[str]]) -> str:
    line = lambda cells, tag: "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"  # noqa: E731
    return f'<div class="wide"><table><thead>{line(head, "th")}</thead><tbody>{"".join(line(row, "td") for row in rows)}</tbody></table></div>'


def html(whole: dict) -> str:
    """The page's source."""
    best = escape(whole["best"])
    parts = [
        f"<h1>Is routing worth it? {escape(whole['name'])}</h1>", f'<p class="verdict">{escape(whole["verdict"])}</p>',
        f"<p>{whole['prompts']:,} prompts, {len(whole['targets'])} targets, {whole['rows']:,} rows"
        + (f", {whole['unmeasured']:.0%} of the cells estimated" if whole["unmeasured"] else "") + ".</p>",
        *(f'<p class="note">{escape(note)}</p>' for note in whole["notes"]),
        *(f"<p><strong>Look at this:</strong> {escape(each)}</p>" for each in whole["suspects"]),
        "<h2>Cost and quality</h2>", picture.curves(whole),
        "<h2>Every target alone</h2>",
        _table(["target", "quality", "USD a 1000 prompts", f"cost, {whole['best']} = 1", "prompts"], [
            [t["name"], f"{t['quality']:.3f}", f"{1000 * t['cost_usd']:.4g}", f"{t['cost']:.2f}", str(t["tried"])]
            for t in sorted(whole["targets"], key=lambda t: -t["quality"])
        ]),
        "<h2>Prompts like these</h2>",
        f"<p>Each prompt was judged by a predictor that had not seen it. <em>Points</em>: quality (0…100) over the coin between targets at equal cost, with the "
        f"interval that holds 95 % of 300 paired resamples. Costs and quality are shares of {best}’s. The chosen predictor is the simplest whose "
        f"error in predicted differences between targets is within one standard error of the best one’s: <strong>{escape(TITLES[whole['predictor']])}</strong>.</p>",
        _table(HEAD, rows_of(whole, {"blind": whole["blind"], **whole["choosers"], "oracle": whole["oracle"]})), _intervals(whole),
    ]
    if whole["left_out"] is not None:
        left = whole["left_out"]
        parts += [
            "<h2>Prompts unlike these</h2>",
            f"<p>The same with whole groups left out of the training. {left['unfamiliar']:.0%} of their prompts are told to be unfamiliar, and P is drawn "
            f"to the targets' means there; ECE {left['ece']:.3f}.</p>",
            _table(HEAD, rows_of(whole, left["choosers"], coin=False)),
            _table(["group", "prompts", "unfamiliar", "ECE"], [[g["group"] or "(none)", str(g["prompts"]), f"{g['unfamiliar']:.0%}", f"{g['ece']:.3f}"] for g in left["groups"]]),
        ]
    parts += ["<h2>Calibration</h2>", f"<p>Of answers told to be good with P, how many were? ECE {whole['calibration']['ece']:.3f}.</p>", picture.calibration(whole)]
    if whole["pair"] is not None:
        p = whole["pair"]
        parts.append(f"<p>Two targets as RouteLLM measures: APGR {p['apgr']:.3f}, CPT50 {p['cpt50']:.1f} %, CPT80 {p['cpt80']:.1f} %.</p>")
    parts += [
        "<h2>Settings</h2>", f"<p>The policy’s own: <code>willingness_usd: {whole['setting']['willingness_usd']:g}</code>.</p>",
        _table(["for", "willingness_usd", "cost", "quality"], [[s["for"], f"{s['willingness_usd']:g}", f"{s['cost']:.2f}", f"{s['quality']:.3f}"] for s in whole["settings"]]),
    ]
    title = escape(f"{whole['name']}: cost and quality")
    return f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style></head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _intervals(whole: dict) -> str:
    """95 % intervals of the chosen predictor's shares."""
    one = whole["choosers"][whole["predictor"]]
    rows = [[f"cost that keeps {each['keeps']:.0%} of the quality", share(each["cost"]), *map(share, each["interval"])] for each in one["cost_at"]]
    rows += [[f"quality at {each['spends']:.0%} of the cost", share(each["quality"]), *map(share, each["interval"])] for each in one["quality_at"]]
    return _table([TITLES[whole["predictor"]], "share", "from", "to"], rows)
