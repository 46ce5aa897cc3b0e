/** What the what-if tab shows: the table that is edited, what it costs, and the decisions that would move. */
import type { Outcome, ReplaySummary } from '../../router-controller/src/replay/sums.ts';
import type { Entry, Policy } from './config.ts';
import { dollars, percent } from './decision.ts';
import type { LoggedDecision } from './decisions.ts';
import { byId, h } from './dom.ts';
import type { Edits, Nowhere, Targets } from './edited.ts';
import { measures } from './measures.ts';

const SHOWN = 100;

export interface Moved {
  readonly decision: LoggedDecision;
  readonly outcome: Outcome<Nowhere>;
}

const editor = byId('what-if-entries', HTMLTableSectionElement);
let drawnFor = '';

/** Where an entry goes as it is. */
const asItIs = ({ target, targets }: Entry) =>
  targets ? targets.map((each) => `${each.target} ×${each.weight ?? 1}`).join(', ') : target;

function lineFor(
  entry: Entry,
  targets: Targets,
  change: (label: string, target: string | null) => void,
): HTMLTableRowElement {
  const select = h(
    'select',
    { 'aria-label': `Target of ${entry.name}` },
    h('option', { value: '' }, asItIs(entry)),
    ...[...targets.keys()]
      .filter((name) => entry.targets || name !== entry.target)
      .map((name) => h('option', { value: name }, name)),
  );
  select.addEventListener('change', () => change(entry.name, select.value === '' ? null : select.value));
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, entry.name),
    h('td', { class: 'number' }),
    h('td', {}, select, h('span', { class: 'hint' })),
  );
}

/** Lines stay what they are while a policy is edited, so that whoever edits keeps the place. */
export function showEditor(
  policy: Policy,
  targets: Targets,
  edits: Edits,
  counts: ReadonlyMap<string, number>,
  change: (label: string, target: string | null) => void,
): void {
  const drawing = JSON.stringify([policy, [...targets.keys()]]);
  if (drawing !== drawnFor)
    editor.replaceChildren(...policy.llms.map((entry) => lineFor(entry, targets, change)));
  drawnFor = drawing;
  for (const [index, entry] of policy.llms.entries()) {
    const row = editor.rows[index]!;
    const edited = edits.targets.get(entry.name);
    row.classList.toggle('chosen', edited !== undefined);
    row.cells[1]!.textContent = String(counts.get(entry.name) ?? 0);
    row.querySelector('select')!.value = edited ?? '';
    row.querySelector('.hint')!.textContent = edited === undefined ? '' : ` was ${asItIs(entry)}`;
  }
}

export function showThreshold(policy: Policy, edits: Edits): void {
  byId('what-if-threshold', HTMLInputElement).value = String(edits.threshold ?? policy.threshold);
  byId('what-if-threshold-hint', HTMLParagraphElement).textContent =
    `${policy.threshold} in force; below it: ${policy.fallback ?? 'the label stands'}`;
}

const rounded = (requests: number) => String(+requests.toFixed(1));

/** @returns what is shown, in one sentence. */
export function showOutcome(summary: ReplaySummary<Nowhere>): string {
  const {
    requests,
    moved_target,
    priced,
    cost_before_usd: before,
    cost_after_usd: after,
    unroutable,
  } = summary;
  const cost = byId('what-if-cost', HTMLParagraphElement);
  const rest = byId('what-if-moved', HTMLParagraphElement);
  if (requests === 0) {
    cost.textContent = 'No decisions of this policy yet: chat, run a batch, or bring a decision log.';
    rest.textContent = '';
    return cost.textContent;
  }
  const change = before > 0 ? ` (${after < before ? '−' : '+'}${percent(Math.abs(after / before - 1))})` : '';
  cost.textContent =
    priced === 0
      ? 'The cost is not known: no decision has a price and its tokens told.'
      : `${dollars(before)} → ${dollars(after)}${before === after ? '' : change}`;
  const nowhere = Object.entries(unroutable).map(([why, many]) => `; ${many}: ${why}`);
  rest.textContent = `${rounded(moved_target)} of ${requests} decisions go to another target; cost of the ${priced} that have a price in both${nowhere.join('')}`;
  return `${cost.textContent}. ${rest.textContent}`;
}

const nameOf = ({ text, text_sha256, request_id }: LoggedDecision) =>
  text ?? request_id ?? text_sha256?.slice(0, 16) ?? '';

function movedRow({ decision, outcome }: Moved): HTMLTableRowElement {
  const to = outcome.shares.map(({ target, share }) =>
    share === 1 ? target.name : `${target.name} ${percent(share)}`,
  );
  return h(
    'tr',
    {},
    h('td', {}, h('span', { class: 'words' }, nameOf(decision))),
    h(
      'td',
      {},
      decision.label ?? decision.entry,
      decision.confidence === null ? null : ` ${percent(decision.confidence)}`,
    ),
    h('td', {}, `${decision.target} → ${outcome.unroutable ?? to.join(', ')}`),
  );
}

export function showMoves({ moves, requests }: ReplaySummary<Nowhere>, moved: readonly Moved[]): void {
  byId('what-if-moves', HTMLElement).hidden = moved.length === 0;
  byId('what-if-chart', HTMLDivElement).replaceChildren(
    ...(moves.length === 0
      ? []
      : [
          measures(
            'Decisions by where they move',
            ['From and to', 'Decisions'],
            moves.map(({ from, to, requests: many }) => ({
              name: `${from} → ${to}`,
              share: many / requests,
              value: rounded(many),
              top: false,
            })),
          ),
        ]),
  );
  // The latest first.
  byId('what-if-rows', HTMLTableSectionElement).replaceChildren(
    ...moved.slice(-SHOWN).reverse().map(movedRow),
  );
  byId('what-if-rows-about', HTMLParagraphElement).textContent =
    moved.length > SHOWN ? `The last ${SHOWN} of ${moved.length}` : '';
}
