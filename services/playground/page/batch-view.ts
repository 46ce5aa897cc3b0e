/** What a batch came to: the sums as a chart, and the rows as a table. */
import type { BatchRow } from './batch-row.ts';
import { dollars, percent } from './decision.ts';
import { byId, h } from './dom.ts';
import { measures } from './measures.ts';

/** Rows in the table; the downloads have all. */
const SHOWN_AT_FIRST = 100;

const body = byId('batch-rows', HTMLTableSectionElement);
const more = byId('batch-more', HTMLButtonElement);
const chart = byId('batch-chart', HTMLDivElement);
const total = byId('batch-total', HTMLParagraphElement);
const by = byId('batch-by', HTMLFieldSetElement);

let limit = SHOWN_AT_FIRST;
let last: readonly BatchRow[] = [];
/** What each line was made from; only others are made anew. */
let drawn: BatchRow[] = [];

function lineFor({ number, text, answer, problem }: BatchRow): HTMLTableRowElement {
  const { decision, usd } = answer ?? {};
  const label = decision && h('span', {}, decision.label ?? decision.entry);
  const sure =
    decision?.confidence == null ? null : h('span', { class: 'muted' }, ` ${percent(decision.confidence)}`);
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, String(number)),
    h('td', { class: 'words' }, text),
    ...(problem !== null
      ? [h('td', { colspan: '3', class: 'bad' }, problem)]
      : [
          h('td', {}, label ?? '…', sure),
          h(
            'td',
            {},
            decision?.target ?? '',
            decision ? h('span', { class: 'muted' }, ` ${decision.reason}`) : null,
          ),
          h('td', { class: 'number' }, usd == null ? (decision ? 'no price' : '') : dollars(usd)),
        ]),
  );
}

export function showRows(rows: readonly BatchRow[]): void {
  if (rows.length === 0 || (last.length > 0 && rows !== last)) limit = SHOWN_AT_FIRST;
  last = rows;
  const seen = rows.slice(0, limit);
  for (const [index, row] of seen.entries()) {
    if (drawn[index] === row && body.rows[index]) continue;
    const line = lineFor(row);
    if (body.rows[index]) body.rows[index].replaceWith(line);
    else body.append(line);
  }
  while (body.rows.length > seen.length) body.rows[body.rows.length - 1]!.remove();
  drawn = [...seen];
  more.hidden = rows.length <= limit;
  more.textContent = `Show ${Math.min(SHOWN_AT_FIRST * 5, rows.length - limit)} more rows`;
}

more.addEventListener('click', () => {
  limit += SHOWN_AT_FIRST * 5;
  showRows(last);
});

interface Sum {
  count: number;
  usd: number;
}

/** Rows and money by a name of theirs. */
function sumsBy(rows: readonly BatchRow[], nameOf: (row: BatchRow) => string | null): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const name = nameOf(row);
    if (name === null) continue;
    const sum = sums.get(name) ?? { count: 0, usd: 0 };
    sums.set(name, { count: sum.count + 1, usd: sum.usd + (row.answer?.usd ?? 0) });
  }
  return sums;
}

/** @param longest the length of answer that costs assume, tokens */
export function showSums(rows: readonly BatchRow[], longest: number): void {
  const answered = rows.filter(({ answer }) => answer !== null);
  const chosen = by.querySelector<HTMLInputElement>('input:checked')?.value ?? 'label';
  const sums = sumsBy(answered, ({ answer }) =>
    chosen === 'label' ? (answer!.decision.label ?? answer!.decision.entry) : answer!.decision.target,
  );
  const money = chosen === 'cost';
  const size = ({ count, usd }: Sum) => (money ? usd : count);
  const whole = [...sums.values()].reduce((sum, each) => sum + size(each), 0);
  const list = [...sums].sort(([, a], [, b]) => size(b) - size(a));
  chart.replaceChildren(
    measures(
      { label: 'Rows by label', target: 'Rows by target', cost: 'Estimated cost by target' }[chosen] ?? '',
      [chosen === 'label' ? 'Label' : 'Target', money ? 'Cost' : 'Rows'],
      list.map(([name, sum]) => ({
        name,
        share: whole > 0 ? size(sum) / whole : 0,
        value: money ? dollars(sum.usd) : `${sum.count}`,
        top: false,
      })),
    ),
  );
  const priced = answered.filter(({ answer }) => answer!.usd !== null);
  const usd = priced.reduce((sum, { answer }) => sum + answer!.usd!, 0);
  total.textContent =
    priced.length === 0
      ? answered.length === 0
        ? ''
        : 'The router tells no prices for these models (price of its targets), so there is no cost.'
      : `Estimated cost ${dollars(usd)} for ${priced.length.toLocaleString('en')} rows with a price: a token for each four characters, answers of ${longest} tokens or the request’s own limit; policies of kind value estimate themselves.`;
}
