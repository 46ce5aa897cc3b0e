/** Pieces of a page that needs nothing else: no script, no font, no picture from anywhere. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Names come from the other side. */
export const escaped = (text: unknown): string =>
  String(text).replaceAll(/[&<>"']/g, (each) => ENTITIES[each]!);

export const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --line: #d7dce2; --back: #fff; --card: #f5f7f9;
  --c0: #0b6bcb; --c1: #b4540a; --c2: #7a3db8; --c3: #1a7f4b; --bad: #c02626; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebef; --soft: #a3adb9; --line: #343b44; --back: #14171b; --card: #1d2228;
  --c0: #62aef7; --c1: #f0a35e; --c2: #c59bf2; --c3: #63c793; --bad: #f58080; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, figcaption { color: var(--soft); margin: .25rem 0; } figure { margin: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.tile { background: var(--card); border-radius: .5rem; padding: .6rem .8rem; } .tile b { display: block; font-size: 1.3rem; }
.tile span { color: var(--soft); font-size: .85rem; } .wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } td .bar { display: block; height: .55rem; background: var(--c0); border-radius: .2rem; min-width: 2px; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font: 12px system-ui, sans-serif; } .axis { stroke: var(--line); }
.key { display: inline-block; width: 1.2rem; height: .25rem; margin: 0 .3rem .2rem 1rem; vertical-align: middle; border-radius: 2px; }
`;

/** @param body trusted markup */
export const page = (title: string, body: string): string =>
  `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body><main>
${body}
</main></body>
</html>
`;

export interface Column {
  readonly head: string;
  readonly isNumber?: boolean;
}

/** @param rows cells of trusted markup */
export const table = (columns: readonly Column[], rows: readonly (readonly string[])[]): string => {
  const mark = (at: number) => (columns[at]!.isNumber ? ' class="n"' : '');
  const head = columns
    .map(({ head: text }, at) => `<th scope="col"${mark(at)}>${escaped(text)}</th>`)
    .join('');
  const body = rows.map((row) => `<tr>${row.map((cell, at) => `<td${mark(at)}>${cell}</td>`).join('')}</tr>`);
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
};

export const tiles = (all: readonly (readonly [value: string, name: string])[]): string =>
  `<div class="tiles">${all.map(([value, name]) => `<div class="tile"><b>${escaped(value)}</b><span>${escaped(name)}</span></div>`).join('')}</div>`;
