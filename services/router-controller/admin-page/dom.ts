/** What the admin page's elements have in common, beside how all our pages make theirs. */
import { byId, h } from '../../pages/browser/elements.ts';

export { byId, h };

export function button(text: string, press: () => void, label: string | null = null): HTMLButtonElement {
  const made = h('button', { type: 'button', 'aria-label': label }, text);
  made.addEventListener('click', press);
  return made;
}

export type Cell = Node | string | number | null;

/** Numbers stand at the right; the first cell of a row is its head. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
): HTMLElement {
  if (rows.length === 0) return h('p', { class: 'muted' }, `${caption}: none`);
  const numeric = heads.map((_, at) => rows.every((row) => typeof row[at] === 'number'));
  const cell = (content: Cell, at: number) =>
    h(
      at === 0 ? 'th' : 'td',
      { class: numeric[at] ? 'number' : null, scope: at === 0 ? 'row' : null },
      typeof content === 'number' ? content.toLocaleString('en') : (content ?? '–'),
    );
  return h(
    'div',
    { class: 'wide', tabindex: '0', role: 'group', 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', {}, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...heads.map((head, at) => h('th', { scope: 'col', class: numeric[at] ? 'number' : null }, head)),
        ),
      ),
      h('tbody', {}, ...rows.map((row) => h('tr', {}, ...row.map(cell)))),
    ),
  );
}

/** A labelled field of a form. */
export function field(
  label: string,
  name: string,
  attributes: Readonly<Record<string, string | boolean>> = {},
): HTMLElement {
  const id = `field-${name}`;
  return h('div', {}, h('label', { for: id }, label), h('input', { id, name, ...attributes }));
}
