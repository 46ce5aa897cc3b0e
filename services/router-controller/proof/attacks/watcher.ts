/**
 * Thread that watches from outside while an attack runs: `/livez`, and requests of a tenant that has nothing to do with
 * it. It has an event loop of its own, so what it measures is not the attacker's own work.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

export interface WatchOrder {
  readonly url: string;
  readonly key: string;
}

/** What was seen since the last report. */
export interface Seen {
  /** Of each look at /livez, ms; a look that failed counts as infinite. */
  readonly livez: readonly number[];
  /** Answers to the bystander's requests, by status; 0: none came. */
  readonly bystander: Readonly<Record<string, number>>;
}

const LIVEZ_EVERY_MS = 20;
const BYSTANDER_EVERY_MS = 100;
const PATIENCE_MS = 30_000;

const { url, key } = workerData as WatchOrder;
const agent = new Agent({ keepAlive: true });
let livez: number[] = [];
let bystander: Record<string, number> = {};
let asked = 0;

function ask(path: string, body: string | null): Promise<number> {
  return new Promise((resolve) => {
    const headers = body
      ? {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        }
      : {};
    const call = request(
      `${url}${path}`,
      { agent, method: body ? 'POST' : 'GET', headers, timeout: PATIENCE_MS },
      (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(0));
    call.end(body);
  });
}

async function watchLivez(): Promise<void> {
  for (;;) {
    const started = performance.now();
    const status = await ask('/livez', null);
    livez.push(status === 200 ? performance.now() - started : Number.POSITIVE_INFINITY);
    await sleep(LIVEZ_EVERY_MS);
  }
}

async function watchBystander(): Promise<void> {
  for (;;) {
    const content = `Summarize this paragraph, number ${asked++}, in a sentence: the river rose and fell.`;
    const status = await ask(
      '/v1/chat/completions',
      JSON.stringify({ model: 'auto', messages: [{ role: 'user', content }] }),
    );
    bystander[status] = (bystander[status] ?? 0) + 1;
    await sleep(BYSTANDER_EVERY_MS);
  }
}

parentPort!.on('message', () => {
  parentPort!.postMessage({ livez, bystander } satisfies Seen);
  livez = [];
  bystander = {};
});
void watchLivez();
void watchBystander();
