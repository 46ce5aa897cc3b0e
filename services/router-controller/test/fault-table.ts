/**
 * The fault table: every fault of an upstream × streaming or not × with a fallback or without, and what the client is
 * to get. Run through a whole controller by `fault-table.test.ts` and by `npm run proof:faults`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StandIns, startStandInLlms } from '@llm-router/stand-in-llms';
import { freePort } from '../../../scripts/parts/process.ts';
import { chat, favour, scriptedClassifier, startWhole, user } from './harness.ts';

/** What the client gets. A number is an HTTP status with the error's code. */
export type Outcome =
  | 'own answer'
  | 'answer of the fallback'
  | `${number} ${string}`
  /** Content had gone out; no [DONE] follows. */
  | `begun, then error event ${string}`;

interface Row {
  readonly fault: string;
  /** Without a fallback, with one. */
  readonly plain: readonly [Outcome, Outcome];
  readonly stream: readonly [Outcome, Outcome];
}

const SAVED = 'answer of the fallback';
const same = (fault: string, alone: Outcome, backed: Outcome = SAVED): Row => ({
  fault,
  plain: [alone, backed],
  stream: [alone, backed],
});
const begun = (code: string): readonly [Outcome, Outcome] => [
  `begun, then error event ${code}`,
  `begun, then error event ${code}`,
];
const OWN = ['own answer', 'own answer'] as const;
const BROKEN = ['502 upstream_error', SAVED] as const;
const LATE = ['504 upstream_timeout', SAVED] as const;

/** Faults of stand-ins as `x-stand-in-fault` names them, and two of the connection. `stand_in` is their error code. */
const ROWS: readonly Row[] = [
  same('connection-refused', ...BROKEN),
  same('tls-untrusted', ...BROKEN),
  same('refuse', ...BROKEN),
  same('reset', ...BROKEN),
  same('stall-before-headers', ...LATE),
  same('headers-only', ...LATE),
  { fault: 'stall-after-headers', plain: LATE, stream: begun('upstream_timeout') },
  same('stall-in-stream:0', ...LATE),
  { fault: 'stall-in-stream:3', plain: LATE, stream: begun('upstream_timeout') },
  same('cut:0', ...BROKEN),
  same('cut:40', ...BROKEN),
  same('cut:240', ...BROKEN),
  // By 900 bytes a plain answer is over.
  { fault: 'cut:900', plain: OWN, stream: begun('upstream_error') },
  same('truncate:0', ...BROKEN),
  { fault: 'truncate:2', plain: BROKEN, stream: begun('upstream_error') },
  same('error-in-stream:0', ...BROKEN),
  { fault: 'error-in-stream:2', plain: BROKEN, stream: begun('stand_in') },
  same('garbage-sse', ...BROKEN),
  same('garbage-status', ...BROKEN),
  same('huge-headers', ...BROKEN),
  { fault: 'wrong-content-length', plain: BROKEN, stream: begun('upstream_error') },
  same('slow-drip:5', ...OWN),
  same('no-stream', ...OWN),
  same('no-stream-options', ...OWN),
  same('gzip', ...OWN),
  same('status:400', '400 stand_in', '400 stand_in'),
  same('status:422', '422 stand_in', '422 stand_in'),
  same('status:401', '502 upstream_bad_credentials'),
  same('status:402', '402 stand_in'),
  same('status:403', '403 stand_in'),
  same('status:404', '404 stand_in'),
  same('status:410', '410 stand_in'),
  same('status:408', '408 stand_in'),
  same('status:409', '409 stand_in'),
  same('status:429:0', '429 stand_in'),
  same('status:429:60', '429 stand_in'),
  same('status:500', '500 stand_in'),
  same('status:503', '503 stand_in'),
  same('status:529', '529 stand_in'),
];

export interface Cell {
  readonly fault: string;
  readonly stream: boolean;
  readonly fallback: boolean;
  readonly expected: Outcome;
  readonly got: string;
}

type Planned = Omit<Cell, 'got'> & { readonly name: string };

/** Every cell of the table, not run yet. */
export const CELLS: readonly Planned[] = ROWS.flatMap(({ fault, plain, stream }) =>
  [false, true].flatMap((streamed) =>
    [false, true].map((fallback) => ({
      name: `${fault} ${streamed ? 'stream' : 'plain'} ${fallback ? 'backed' : 'alone'}`,
      fault,
      stream: streamed,
      fallback,
      expected: (streamed ? stream : plain)[fallback ? 1 : 0],
    })),
  ),
);

/** Limits short enough to wait for, long enough for a busy machine. */
const LIMITS = { connect_ms: 2_000, first_byte_ms: 1_500, idle_ms: 1_500, total_ms: 20_000 };

interface Places {
  readonly closed: string;
  readonly untrusted: string;
}

/** One entry and one target a cell, so that no breaker or cool-down of one cell is seen by another. */
function configOf({ closed, untrusted }: Places): string {
  const base = (fault: string) =>
    fault === 'connection-refused' ? closed : fault === 'tls-untrusted' ? untrusted : '{LLM}';
  const own = (fault: string) =>
    fault === 'connection-refused' || fault === 'tls-untrusted' ? '' : `#fault=${fault}`;
  return JSON.stringify({
    default_policy: 'p',
    targets: [
      { name: 'sound', api_base: '{LLM}/v1', model: 'sound' },
      ...CELLS.map(({ name, fault }) => ({
        name,
        api_base: base(fault),
        model: `faulty${own(fault)}`,
        timeouts: LIMITS,
      })),
    ],
    policies: [
      {
        name: 'p',
        url: 'grpc://127.0.0.1:1/m',
        retry_budget: { attempts: 2, time_ms: 20_000 },
        llms: CELLS.map(({ name, fallback }) => ({
          name,
          target: name,
          fallbacks: fallback ? ['sound'] : [],
        })),
      },
    ],
  });
}

/** A port that nothing listens on. */
const closedPort = async () => `http://127.0.0.1:${await freePort()}`;

/** A stand-in whose certificate nobody has signed. */
async function startUntrusted(): Promise<StandIns> {
  const folder = mkdtempSync(join(tmpdir(), 'untrusted-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1'];
    execFileSync('openssl', [...request, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return await startStandInLlms({
      tls: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What became of one request, in the table's words. */
async function outcomeOf(response: Response): Promise<string> {
  if (!response.headers.get('x-chosen-classifier')) return 'an answer without x-chosen-classifier';
  const text = await response.text().catch(() => null);
  if (text === null) return 'connection cut';
  if (response.status !== 200) {
    const { error } = JSON.parse(text) as { error: { code: string } };
    return `${response.status} ${error.code}`;
  }
  const answer = response.headers.get('x-llm-router-model') === 'sound' ? SAVED : 'own answer';
  if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
    return Array.isArray((JSON.parse(text) as { choices?: unknown }).choices)
      ? answer
      : 'JSON without choices';
  const events = text.split('\n\n').flatMap((event) => (event.startsWith('data: ') ? [event.slice(6)] : []));
  if (events.at(-1) === '[DONE]') return text.includes('"error":') ? 'an error and [DONE]' : answer;
  const { error } = JSON.parse(events.at(-1) ?? '{}') as { error?: { code: string } };
  const content = events.some((event) => /"content":"[^"]/.test(event));
  if (!error) return 'a stream without an end';
  return text.includes('[DONE]') || !content
    ? 'an error event in the wrong place'
    : `begun, then error event ${error.code}`;
}

/** Cells at once: most of them wait. */
const AT_ONCE = 8;

/** Runs the whole table; every cell is handed on as soon as it is known. Rejects only when the controller can't start. */
export async function runFaultTable(onCell: (cell: Cell) => void): Promise<void> {
  const untrusted = await startUntrusted();
  const labels = CELLS.map((cell) => cell.name);
  const whole = await startWhole({
    config: configOf({ closed: await closedPort(), untrusted: untrusted.url }),
    standIns: false,
    connect: () => scriptedClassifier(labels, () => favour(labels, labels[0]!)),
  });
  try {
    const left = [...CELLS];
    const worker = async () => {
      for (let cell = left.shift(); cell; cell = left.shift()) {
        const { name, ...planned } = cell;
        const body = {
          stream: cell.stream,
          messages: user('Are you there?'),
          'nim-llm-router': { policy: 'p', routing_strategy: 'manual', model: name },
        };
        const got = await chat(whole.url, body).then(
          outcomeOf,
          (error: Error) => `no answer: ${error.message}`,
        );
        onCell({ ...planned, got });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    await Promise.all([whole.stop(), untrusted.close()]);
  }
}
