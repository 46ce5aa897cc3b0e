/** A decision in a few lines, or with all that it was made from. */
import { columns, paint } from '../lib/paint.ts';

/** What `POST /v1/route` answers, as far as it is shown here. */
export interface Told {
  readonly policy: string;
  readonly entry: string;
  readonly label: string | null;
  readonly confidence: number | null;
  readonly scores: Readonly<Record<string, number>> | null;
  readonly extra_scores?: Readonly<Record<string, number>> | null;
  readonly reason: string;
  readonly rule: string | null;
  readonly target: string;
  readonly model: string;
  readonly fallbacks: readonly string[];
  readonly passed_over: readonly { readonly target: string; readonly why: unknown }[];
  readonly tokens: number | null;
  readonly truncated: boolean;
  readonly ask: { readonly text: string; readonly source: string; readonly cut: boolean };
  readonly features: Readonly<Record<string, unknown>>;
  readonly turn: Readonly<Record<string, unknown>>;
  /** Of policies of kind value. */
  readonly value?: {
    readonly choose: Readonly<Record<string, number>>;
    readonly familiarity: number | null;
    readonly targets: readonly {
      readonly target: string;
      readonly quality: number;
      readonly cost_usd: number;
      readonly why: string | null;
    }[];
  } | null;
  readonly ms: number;
}

const BAR = 24;
const EXCERPT = 300;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

export function summaryOf(told: Told): string {
  const { label, confidence, entry, policy, reason, rule, target, model, fallbacks, ms } = told;
  const sure = confidence === null ? '' : ` (${percent(confidence)})`;
  const rows: [string, string][] = [
    ['model', `${paint('bold', model)}${model === target ? '' : ` (target ${target})`}`],
    [
      'label',
      label === null ? `none; entry ${entry}` : `${label}${sure}${label === entry ? '' : `, entry ${entry}`}`,
    ],
    ['reason', rule === null ? reason : `${reason}, rule “${rule}”`],
    ['policy', policy],
    ...(fallbacks.length > 0 ? [['fallbacks', fallbacks.join(', ')] as [string, string]] : []),
    ['took', `${ms.toFixed(1)} ms`],
  ];
  return columns(rows).join('\n');
}

function scoresOf(scores: Readonly<Record<string, number>>, label: string | null): string[] {
  const sorted = Object.entries(scores).sort(([, a], [, b]) => b - a);
  return columns(
    sorted.map(([name, share]) => {
      const bar = '█'.repeat(Math.round(share * BAR)).padEnd(BAR, '·');
      return [`  ${name}`, name === label ? paint('green', bar) : bar, percent(share).padStart(7)];
    }),
  );
}

/** P and cost of every target, in the policy's order. */
function offersOf({ targets }: NonNullable<Told['value']>, entry: string): string[] {
  return columns(
    targets.map(({ target, quality, cost_usd, why }) => {
      const bar = '█'.repeat(Math.round(quality * BAR)).padEnd(BAR, '·');
      const cost = `$${Number(cost_usd.toPrecision(3))}`;
      return [
        `  ${target}`,
        target === entry ? paint('green', bar) : bar,
        percent(quality).padStart(7),
        why === null ? cost : `${cost}, ${why}`,
      ];
    }),
  );
}

const word = (value: unknown): string =>
  value !== null && typeof value === 'object' ? JSON.stringify(value) : String(value);

/** Those that say something: what is false, empty or unknown is left out. */
function saying(values: Readonly<Record<string, unknown>>): string[] {
  const rows = Object.entries(values).filter(
    ([, value]) =>
      value !== null &&
      value !== undefined &&
      value !== false &&
      value !== 0 &&
      !(Array.isArray(value) && value.length === 0),
  );
  return columns(rows.map(([name, value]) => [`  ${name}`, word(value)]));
}

export function whyOf(told: Told): string {
  const { ask, scores, extra_scores: extra, passed_over: passed, features, turn, tokens, truncated } = told;
  const text = ask.text.replaceAll(/\s+/g, ' ').trim();
  const { evidence, ...plain } = features;
  return [
    summaryOf(told),
    '',
    paint('bold', 'what was classified'),
    `  “${text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text}”`,
    `  from ${ask.source}${tokens === null ? '' : `, ${tokens} tokens`}${ask.cut || truncated ? ', cut' : ''}`,
    ...(told.value
      ? [
          '',
          paint('bold', `P of a good answer and its cost; ${word(told.value.choose)}`),
          ...offersOf(told.value, told.entry),
        ]
      : []),
    ...(scores && !told.value ? ['', paint('bold', 'scores'), ...scoresOf(scores, told.label)] : []),
    ...(extra && Object.keys(extra).length > 0
      ? ['', paint('bold', 'further scores'), ...saying(extra)]
      : []),
    ...(passed.length > 0
      ? [
          '',
          paint('bold', 'passed over'),
          ...columns(passed.map(({ target, why }) => [`  ${target}`, word(why)])),
        ]
      : []),
    '',
    paint('bold', 'features'),
    ...saying(plain),
    ...(evidence && typeof evidence === 'object' ? saying({ evidence }) : []),
    '',
    paint('bold', 'turn'),
    ...saying(turn),
  ].join('\n');
}
