/** What is sent, and what is made of the answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from './figures.ts';
import { type LoadOptions, load } from './load.ts';
import { ANSWERS, type Answers } from './mock-upstream.ts';
import { cpuMs, rssMb } from './process-figures.ts';
import { keyOf, type Target } from './targets.ts';

/** One target in one scenario of one round; null: not measured there. Times in milliseconds. */
export interface Cell {
  readonly ok: number;
  readonly failed: number;
  readonly rps: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly ttft50: number | null;
  readonly ttft99: number | null;
  readonly lag99: number | null;
  /** CPU of the target a request. */
  readonly cpuMs: number | null;
  readonly cpuUsPerChunk: number | null;
  readonly cpuPercent: number | null;
  readonly rssMb: number | null;
  /** Resident memory more than before the scenario, MB, while its streams were open. */
  readonly idleMb: number | null;
}

/** `many`: a controller with many keys and policies; `one`: the same process, asked by one of each. */
export type TargetKind = 'direct' | 'floor' | 'ours' | 'one' | 'many' | 'workers' | 'real';

export interface Scenario {
  readonly name: string;
  readonly what: string;
  readonly kinds: readonly TargetKind[];
  readonly connections: number;
  readonly requests: number;
  readonly stream?: boolean;
  /** The client's dialect; default: chat completions. */
  readonly dialect?: Dialect;
  /** Streams that stand open together: memory is taken while they do. */
  readonly idle?: boolean;
  readonly answers?: Partial<Answers>;
  readonly promptBytes?: number;
  /** Each prompt is one that nobody has sent before. */
  readonly fresh?: boolean;
  /** Keys in turn. */
  readonly keys?: number;
  /** Policies in turn. */
  readonly policies?: number;
}

export type Dialect = 'responses' | 'messages';

const PATHS: Readonly<Record<Dialect, string>> = { responses: '/v1/responses', messages: '/v1/messages' };

const ALL: readonly TargetKind[] = ['direct', 'floor', 'ours'];
const PLAIN: readonly TargetKind[] = ['floor', 'ours'];
const KB = 1024;

export const SCENARIOS: readonly Scenario[] = [
  { name: 'c1', what: 'one plain request after the other', kinds: ALL, connections: 1, requests: 400 },
  { name: 'c16', what: '16 connections', kinds: PLAIN, connections: 16, requests: 1_500 },
  { name: 'c64', what: '64 connections', kinds: PLAIN, connections: 64, requests: 3_000 },
  { name: 'c500', what: '500 connections', kinds: PLAIN, connections: 500, requests: 3_000 },
  {
    name: 'ttft',
    what: 'one stream of 20 chunks after the other',
    kinds: ALL,
    connections: 1,
    requests: 200,
    stream: true,
    answers: { chunks: 20 },
  },
  {
    name: 'chunks',
    what: '50 streams of 200 chunks without a pause',
    kinds: PLAIN,
    connections: 50,
    requests: 150,
    stream: true,
    answers: { chunks: 200 },
  },
  {
    name: 'bursts',
    what: '50 streams of 200 chunks, twenty in each write',
    kinds: PLAIN,
    connections: 50,
    requests: 300,
    stream: true,
    answers: { chunks: 200, together: 20 },
  },
  {
    name: 'paced',
    what: '100 streams, a chunk each 10 ms',
    kinds: PLAIN,
    connections: 100,
    requests: 100,
    stream: true,
    answers: { chunks: 200, delayMs: 10 },
  },
  ...(['responses', 'messages'] as const).map((dialect) => ({
    name: dialect,
    what: `64 connections that speak ${PATHS[dialect]} to an upstream of chat completions`,
    kinds: ['ours'] as const,
    connections: 64,
    requests: 3_000,
    dialect,
  })),
  {
    name: 'idle',
    what: '1,000 streams that stand open and say nothing',
    kinds: ['ours'],
    connections: 1_000,
    requests: 1_000,
    stream: true,
    idle: true,
    answers: { chunks: 1, delayMs: 3_000 },
  },
  {
    name: 'prompt3k',
    what: '64 connections, prompts of 3 KB, each another',
    kinds: PLAIN,
    connections: 64,
    requests: 3_000,
    promptBytes: 3 * KB,
    fresh: true,
  },
  {
    name: 'body64k',
    what: 'prompts of 64 KB',
    kinds: PLAIN,
    connections: 16,
    requests: 300,
    promptBytes: 64 * KB,
  },
  {
    name: 'body1m',
    what: 'prompts of 1 MB',
    kinds: PLAIN,
    connections: 4,
    requests: 40,
    promptBytes: KB * KB,
  },
  {
    name: 'body5m',
    what: 'prompts of 5 MB',
    kinds: PLAIN,
    connections: 2,
    requests: 10,
    promptBytes: 5 * KB * KB,
  },
  {
    name: 'keys',
    what: '1,000 keys in turn, and one of them',
    kinds: ['one', 'many'],
    connections: 64,
    requests: 2_000,
    keys: 1_000,
  },
  {
    name: 'policies',
    what: '50 policies in turn, and one of them',
    kinds: ['one', 'many'],
    connections: 64,
    requests: 2_000,
    policies: 50,
  },
  {
    name: 'workers',
    what: 'one process against two workers on one port; wants two CPUs for them and others for the load',
    kinds: ['ours', 'workers'],
    connections: 128,
    requests: 6_000,
  },
  {
    name: 'new-prompts',
    what: 'new prompts of 64 tokens on the real router-server',
    kinds: ['real'],
    connections: 8,
    requests: 150,
    fresh: true,
    promptBytes: 300,
  },
];

const SENTENCE = 'Please explain how a reverse proxy works and give an example in TypeScript. ';
const text = (bytes: number) => SENTENCE.repeat(Math.ceil(bytes / SENTENCE.length)).slice(0, bytes);

let told = 0;

/** Between looks at memory. */
const SAMPLE_MS = 250;

const SYSTEM = 'You are a helpful assistant.';

/** What a dialect calls the same request. */
function conversation(prompt: string, dialect?: Dialect) {
  const user = { role: 'user', content: prompt };
  if (dialect === 'responses') return { instructions: SYSTEM, input: [user], max_output_tokens: 256 };
  if (dialect === 'messages') return { system: SYSTEM, messages: [user], max_tokens: 256 };
  return { messages: [{ role: 'system', content: SYSTEM }, user], max_tokens: 256 };
}

function bodyOf({ stream, promptBytes = 200, fresh, policies = 1, dialect }: Scenario, many: boolean) {
  const made = (index: number, prompt: string) =>
    JSON.stringify({
      model: policies > 1 && many && index % policies > 0 ? `policy_${index % policies}` : 'auto',
      ...conversation(prompt, dialect),
      temperature: 0.2,
      ...(stream && { stream: true }),
    });
  const prompt = text(promptBytes);
  if (fresh)
    return (index: number) =>
      made(index, `${(told++).toString(36)} ${index}: ${prompt}`.slice(0, promptBytes));
  if (policies > 1) return (index: number) => made(index, prompt);
  const whole = made(0, prompt);
  return () => whole;
}

export function loadOf(scenario: Scenario, target: Target, many = false): LoadOptions {
  const { keys = 1, connections, requests, dialect } = scenario;
  return {
    ...(dialect && { path: PATHS[dialect] }),
    url: target.url,
    headers: target.headers,
    body: bodyOf(scenario, many),
    connections,
    requests,
    ...(many && keys > 1 && { headersOf: (index) => ({ authorization: `Bearer ${keyOf(index % keys)}` }) }),
  };
}

/** Resident memory at its highest while something is under way, more than at its begin, MB. */
async function rise(pid: number, under: Promise<unknown>): Promise<number> {
  const before = rssMb(pid);
  let most = before;
  const over = under.then(() => true);
  while (!(await Promise.race([over, sleep(SAMPLE_MS, false)]))) most = Math.max(most, rssMb(pid));
  return most - before;
}

/** @param set tells the upstream how to answer. @param scale of the numbers of requests */
export async function measure(
  scenario: Scenario,
  target: Target,
  { set, many, scale }: { set: (answers: Answers) => Promise<void>; many: boolean; scale: number },
): Promise<Cell> {
  await set({ ...ANSWERS, ...scenario.answers });
  const requests = Math.max(scenario.connections, Math.round(scenario.requests * scale));
  const before = target.pid === null ? 0 : cpuMs(target.pid);
  const loading = load({ ...loadOf(scenario, target, many), requests });
  const idleMb = scenario.idle && target.pid !== null ? await rise(target.pid, loading) : null;
  const result = await loading;
  // What is settled after the answer belongs to the request.
  if (target.pid !== null) await sleep(30);
  const cpu = target.pid === null ? null : cpuMs(target.pid) - before;
  const count = result.ok + result.failed;
  const pace = scenario.idle ? undefined : scenario.answers?.delayMs;
  return {
    ok: result.ok,
    failed: result.failed,
    rps: count / (result.wallMs / 1_000),
    p50: quantile(result.totals, 0.5),
    p99: quantile(result.totals, 0.99),
    ttft50: scenario.stream ? quantile(result.firsts, 0.5) : null,
    ttft99: scenario.stream ? quantile(result.firsts, 0.99) : null,
    lag99: pace ? Math.max(0, (quantile(result.gaps, 0.99) ?? 0) - pace) : null,
    cpuMs: cpu === null ? null : cpu / count,
    cpuUsPerChunk: cpu === null || result.events === 0 ? null : (cpu * 1_000) / result.events,
    cpuPercent: cpu === null ? null : (100 * cpu) / result.wallMs,
    rssMb: target.pid === null ? null : rssMb(target.pid),
    idleMb,
  };
}
