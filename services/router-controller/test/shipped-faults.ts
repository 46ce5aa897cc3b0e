/**
 * The silent rows of the fault table through a whole controller with nothing configured but targets: every limit is the
 * shipped one. The call step's clock is the proof's, which moves it from timer to timer, so that ten minutes take a second.
 */
import { FakeTime } from '../src/call/fake-time.ts';
import { chat, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const SAVED = 'answer of the fallback';
/** Headers had gone out, as a comment every 15 s keeps the line open. */
const TOLD = 'error event upstream_timeout';

interface Row {
  readonly fault: string;
  /** Without a fallback, with one; and after how many seconds at most. */
  readonly plain: readonly [string, number, string, number];
  readonly stream: readonly [string, number, string, number];
}

const PLAIN = ['504 upstream_timeout', 600, SAVED, 120] as const;
const STREAM = [TOLD, 120, SAVED, 60] as const;

const ROWS: readonly Row[] = [
  { fault: 'stall-before-headers', plain: PLAIN, stream: [TOLD, 120, SAVED, 30] },
  { fault: 'headers-only', plain: PLAIN, stream: STREAM },
  // The role has come, and nothing after it; a plain answer breaks off after its first bytes.
  { fault: 'stall-in-stream:0', plain: ['504 upstream_timeout', 120, SAVED, 120], stream: STREAM },
  {
    fault: 'stall-in-stream:3',
    plain: ['504 upstream_timeout', 120, SAVED, 120],
    stream: [TOLD, 120, TOLD, 120],
  },
  // A target that asks for patience gets what the client is ready for, and no more.
  { fault: 'status:429:7', plain: ['429 stand_in', 0, SAVED, 0], stream: ['429 stand_in', 0, SAVED, 0] },
  { fault: 'status:500', plain: ['500 stand_in', 5, SAVED, 0], stream: ['500 stand_in', 5, SAVED, 0] },
];

export interface ShippedCell {
  readonly name: string;
  readonly fault: string;
  readonly stream: boolean;
  readonly fallback: boolean;
  readonly expected: string;
  /** Seconds of the proof's clock. */
  readonly within: number;
}

export interface ShippedResult extends ShippedCell {
  readonly got: string;
  readonly seconds: number;
}

export const SHIPPED_CELLS: readonly ShippedCell[] = ROWS.flatMap(({ fault, plain, stream }) =>
  [false, true].flatMap((streamed) =>
    [false, true].map((fallback) => {
      const [alone, aloneS, backed, backedS] = streamed ? stream : plain;
      return {
        name: `${fault} ${streamed ? 'stream' : 'plain'} ${fallback ? 'backed' : 'alone'}`,
        fault,
        stream: streamed,
        fallback,
        expected: fallback ? backed : alone,
        within: fallback ? backedS : aloneS,
      };
    }),
  ),
);

const configOf = () =>
  JSON.stringify({
    default_policy: 'p',
    targets: [
      { name: 'sound', api_base: '{LLM}', model: 'sound' },
      ...SHIPPED_CELLS.map(({ name, fault }) => ({
        name,
        api_base: '{LLM}',
        model: `faulty#fault=${fault}`,
      })),
    ],
    policies: [
      {
        name: 'p',
        url: 'grpc://127.0.0.1:1/m',
        llms: SHIPPED_CELLS.map(({ name, fallback }) => ({
          name,
          target: name,
          fallbacks: fallback ? ['sound'] : [],
        })),
      },
    ],
  });

async function outcomeOf(response: Response): Promise<string> {
  const text = await response.text();
  if (response.status !== 200)
    return `${response.status} ${(JSON.parse(text) as { error: { code: string } }).error.code}`;
  const events = text.split('\n\n').filter((event) => event.startsWith('data: '));
  if (!response.headers.get('content-type')?.startsWith('text/event-stream') || text.includes('[DONE]'))
    return text.includes('"model":"sound"') ? SAVED : 'own answer';
  const last = JSON.parse((events.at(-1) ?? 'data: {}').slice(6)) as { error?: { code: string } };
  return last.error ? `error event ${last.error.code}` : 'a stream without an end';
}

/** Nothing has happened for so many looks, so long apart: whatever was on its way on this machine has arrived. */
const QUIET_LOOKS = 5;
const LOOK_MS = 20;

/** Asks for one cell, and moves the clock on whenever nothing happens any more. */
async function run(whole: Whole, time: FakeTime, cell: ShippedCell): Promise<ShippedResult> {
  const started = time.now();
  let got: string | null = null;
  void chat(whole.url, {
    stream: cell.stream,
    messages: user('Are you there?'),
    'nim-llm-router': { policy: 'p', routing_strategy: 'manual', model: cell.name },
  })
    .then(outcomeOf)
    .catch((error: Error) => `no answer: ${error.message}`)
    .then((outcome) => {
      got = outcome;
    });
  const happened = () => whole.llms.seen.length + whole.logged().length;
  while (got === null) {
    let before = happened();
    for (let quiet = 0; quiet < QUIET_LOOKS && got === null; quiet++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (happened() !== before) quiet = -1;
      before = happened();
    }
    if (got === null) time.next();
  }
  return { ...cell, got, seconds: Math.round((time.now() - started) / 1_000) };
}

/** Runs every cell, one after the other. */
export async function runShippedFaults(onCell: (cell: ShippedResult) => void): Promise<void> {
  const time = new FakeTime();
  const labels = SHIPPED_CELLS.map(({ name }) => name);
  const whole = await startWhole({
    config: configOf(),
    standIns: false,
    connect: () => scriptedClassifier(labels, () => favour(labels, labels[0]!)),
    time,
  });
  try {
    for (const cell of SHIPPED_CELLS) onCell(await run(whole, time, cell));
  } finally {
    await whole.stop();
  }
}
