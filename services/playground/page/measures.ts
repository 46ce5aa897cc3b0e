/** A chart that is a table: a name, a bar, and what the bar shows as text. */
import { bar, h } from './dom.ts';

export interface Measure {
  readonly name: string;
  /** Length of the bar, from 0 to 1; null: no bar. */
  readonly share: number | null;
  readonly value: string;
  /** Stands out. */
  readonly top: boolean;
}

/** Long names may break after an underscore. */
const breakable = (name: string) =>
  name.split(/(?<=_)/).flatMap((part, index) => (index === 0 ? [part] : [h('wbr'), part]));

export function measures(
  caption: string,
  heads: readonly [string, string],
  rows: readonly Measure[],
  mark: number | null = null,
): HTMLElement {
  const body = h('tbody');
  for (const { name, share, value, top } of rows) {
    body.append(
      h(
        'tr',
        top ? { class: 'chosen' } : {},
        h('th', { scope: 'row' }, ...breakable(name)),
        h(
          'td',
          {},
          h('span', { class: 'measure' }, share !== null && bar(share, mark), h('span', {}, value)),
        ),
      ),
    );
  }
  return h(
    'table',
    { class: 'measures' },
    h('caption', {}, caption),
    h('thead', { class: 'unseen' }, h('tr', {}, ...heads.map((head) => h('th', { scope: 'col' }, head)))),
    body,
  );
}
