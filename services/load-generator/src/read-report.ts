/** A run's result from its file: also what an earlier or a later version wrote, whose fields are others. */
import { readText } from '../../process/src/text-file.ts';
import { whyUnread } from '../../process/src/unread.ts';
import { UsageError } from './options.ts';
import type { Report } from './report.ts';
import type { OfLabel, Slice } from './timeline.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const UNTOLD_SLICE: Omit<Slice, 'at_s'> = {
  answered: 0,
  failed: 0,
  latency_p50_ms: null,
  latency_p90_ms: null,
  latency_p99_ms: null,
  ttft_p50_ms: null,
  completion_tokens: 0,
};

/** What stands for a field that the file has not, or has in another form; NaN: a figure that nobody measured, which 0 would be a lie of. */
const UNTOLD: Omit<Report, 'timeline'> = {
  url: '–',
  at: '–',
  loop: 'open',
  rate: null,
  clients: null,
  mix: '–',
  stream_share: 0,
  policy: null,
  unique: true,
  seconds: 0,
  planned: null,
  sent: 0,
  not_sent: Number.NaN,
  answered: 0,
  failed: Number.NaN,
  unfinished: 0,
  elapsed_s: 0,
  statuses: {},
  labels: {},
  models: {},
  errors: {},
  latency_ms: null,
  ttft_ms: null,
  tokens: { prompt: 0, completion: 0, completion_per_s: Number.NaN },
  latest_start_ms: 0,
  answered_per_s: Number.NaN,
  cost_usd: null,
  saved_usd: null,
  by_label: {},
  slice_s: 1,
  gave_up: null,
};

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const numbersOf = (fields: Fields): Record<string, number> =>
  Object.fromEntries(Object.entries(fields).filter((each): each is [string, number] => isNumber(each[1])));

/** Numbers that may be missing, and texts, as they are; all else as the form says. */
function like(form: Fields, fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(form).map(([name, untold]) => {
      const value = fields[name];
      const isSame =
        untold === null ? isNumber(value) || typeof value === 'string' : typeof value === typeof untold;
      if (isFields(untold)) return [name, { ...untold, ...(isFields(value) && numbersOf(value)) }];
      return [name, isSame ? value : untold];
    }),
  );
}

/** Percentiles, or null. */
const percentilesIn = (value: unknown) =>
  isFields(value) && ['p50', 'p90', 'p99', 'max'].every((name) => isNumber(value[name])) ? value : null;

/** @throws UsageError when the file is none that `--out` wrote */
export function readReport(file: string): Report {
  let found: unknown;
  try {
    found = JSON.parse(readText(file));
  } catch (error) {
    throw new UsageError(
      `--compare: ${file} can’t be read: ${error instanceof SyntaxError ? 'it is not JSON' : whyUnread(error)}`,
    );
  }
  if (!isFields(found) || !Array.isArray(found.timeline) || !isNumber(found.answered))
    throw new UsageError(`--compare: ${file} is no result of --out`);
  const slices = found.timeline.filter((each) => isFields(each) && isNumber(each.at_s)) as Fields[];
  const by_label = isFields(found.by_label)
    ? Object.fromEntries(
        Object.entries(found.by_label).filter(
          ([, each]) => isFields(each) && isNumber((each as unknown as OfLabel).answered),
        ),
      )
    : {};
  return {
    ...like(UNTOLD, found),
    latency_ms: percentilesIn(found.latency_ms),
    ttft_ms: percentilesIn(found.ttft_ms),
    by_label,
    timeline: slices.map((slice) => ({ ...like(UNTOLD_SLICE, slice), at_s: slice.at_s })),
  } as unknown as Report;
}
