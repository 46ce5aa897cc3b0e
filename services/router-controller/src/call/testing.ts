/** For this folder's tests: the call step behind a plain HTTP server, in front of stand-in LLMs with faults. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CustomAnswer,
  type Fault,
  parseFault,
  type Seen,
  type StandIns,
  startStandInLlms,
} from '@llm-router/stand-in-llms';
import { parseConfig, type RouterConfig, type Target } from '../config/index.ts';
import { NO_BOUNDS, withinPossible } from '../decide/index.ts';
import { RouterError } from '../errors.ts';
import { RawBody, scan } from '../receive/index.ts';
import type { AttemptOutcome, CallOutcome, ChatBody, Decision, RoutedRequest } from '../request.ts';
import { needsOf } from '../understand/index.ts';
import { type CallHooks, createCaller, type UpstreamCaller } from './index.ts';
import type { CallObserver } from './observer.ts';
import { type RawAnswer, type RawUpstream, startRawUpstream } from './raw-upstream.ts';
import type { Time } from './time.ts';

const ANY = { maxDepth: 1_000, maxValues: 1_000_000 };
const TIMEOUTS = { connect_ms: 5_000, first_byte_ms: 20_000, idle_ms: 20_000, total_ms: 60_000 };

export interface CallSetup {
  /** Targets in the order they are tried; `model` is the name unless given. */
  readonly targets?: readonly ({ name: string } & Record<string, unknown>)[];
  readonly policy?: Record<string, unknown>;
  readonly upstream?: Record<string, unknown>;
  readonly hooks?: Partial<CallHooks>;
  /** Every limit as it is shipped. Default: limits that do not strike in a test. */
  readonly shipped?: boolean;
  readonly time?: Time;
}

export interface CallTest {
  readonly llms: StandIns;
  readonly caller: UpstreamCaller;
  readonly config: RouterConfig;
  readonly url: string;
  /** What each target, by name, does wrong; a function decides per request. */
  readonly faults: Record<string, string | ((seen: Seen) => Fault | null) | undefined>;
  /** Replaces the stand-ins' answers. */
  respond: ((seen: Seen) => CustomAnswer | null) | null;
  /** What became of each call, in the order they ended. */
  readonly outcomes: (CallOutcome | RouterError)[];
  /** Signals of all requests, to look for listeners that were left behind. */
  readonly signals: AbortSignal[];
  /** What the observer was told, as `event target detail`. */
  readonly events: string[];
  ask(body?: ChatBody, init?: { signal?: AbortSignal; headers?: Record<string, string> }): Promise<Response>;
  last(): CallOutcome;
  stop(): Promise<void>;
}

export const USER = [{ role: 'user', content: 'Say something short, please.' }];

function observe(events: string[]): CallObserver {
  return {
    targets: () => {},
    attemptEnded: (_request, { target, outcome }) => events.push(`attempt ${target.name} ${outcome}`),
    fellBack: (_decision, outcome) => events.push(`fell-back ${outcome}`),
    firstByte: (target) => events.push(`first-byte ${target.name}`),
    breakerChanged: (target, state) => events.push(`breaker ${target.name} ${state}`),
    keyChanged: (target, bad) => events.push(`key ${target.name} ${bad ? 'bad' : 'good'}`),
    modelRetired: (target) => events.push(`retired ${target.name}`),
    incomplete: (_request, target) => events.push(`incomplete ${target.name}`),
    usageRefused: (target) => events.push(`usage-refused ${target.name}`),
    usageDoubted: (target) => events.push(`usage-doubted ${target.name}`),
  };
}

export function configFor(setup: CallSetup, url: string): RouterConfig {
  const targets = (setup.targets ?? [{ name: 'first' }]).map((target) => ({
    api_base: url,
    model: target.name,
    ...(!setup.shipped && { timeouts: TIMEOUTS }),
    ...target,
  }));
  const [first, ...rest] = targets.map((target) => target.name);
  const document = {
    targets,
    upstream: setup.shipped ? {} : { retry_first_ms: 1, breaker_failures: 100, ...setup.upstream },
    policies: [
      {
        name: 'p',
        url: 'grpc://127.0.0.1:1/m',
        llms: [{ name: 'Entry', target: first, fallbacks: rest }],
        ...setup.policy,
      },
    ],
  };
  // JSON is YAML.
  return parseConfig(JSON.stringify(document), 'test.yaml');
}

function decisionOf(config: RouterConfig, body: ChatBody): Decision {
  const policy = config.table.policies.get('p')!;
  const entry = policy.entries.get('Entry')!;
  const wanted = [...entry.routes.map((route) => route.target), ...entry.fallbacks];
  const possible = withinPossible(policy, entry, wanted, needsOf(body), NO_BOUNDS, { leave: true });
  return {
    policy,
    entry,
    label: 'Entry',
    confidence: 1,
    scores: null,
    extraScores: null,
    reason: 'classified',
    wanted: wanted[0]!,
    targets: possible.targets,
    passedOver: possible.passedOver,
    larger: possible.larger,
    bodyPatch: entry.extraBody,
    modelVersion: '1',
    tokenCount: null,
    truncated: false,
    cached: false,
    classifyMs: 0,
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export async function startCall(setup: CallSetup = {}): Promise<CallTest> {
  const test = { faults: {}, respond: null, outcomes: [], signals: [], events: [] } as unknown as CallTest;
  const llms = await startStandInLlms({
    fault: (seen) => {
      const fault = test.faults[String(seen.body.model)];
      return typeof fault === 'function' ? fault(seen) : fault ? parseFault(fault) : null;
    },
    respond: (seen) => test.respond?.(seen) ?? null,
  });
  const config = configFor(setup, llms.url);
  const nothing = undefined as never;
  const caller = createCaller({
    config,
    metrics: nothing,
    log: nothing,
    observer: observe(test.events),
    ...(setup.time && { time: setup.time }),
  });
  const hooks: CallHooks = {
    headers: (target) => ({
      'x-request-id': 'req_test',
      'x-chosen-classifier': 'Entry',
      ...(target && { 'x-llm-router-model': target.model }),
    }),
    ...setup.hooks,
  };

  const handle = async (http: IncomingMessage, response: ServerResponse) => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new Error('the client left'));
    });
    const raw = await bodyOf(http);
    test.signals.push(gone.signal);
    const request = {
      id: 'req_test',
      receivedAt: performance.now(),
      signal: gone.signal,
      endpoint: { dialect: 'chat', path: http.url },
      path: http.url,
      search: '',
      headers: http.headers,
      config,
      raw: new RawBody(raw, scan(raw, ANY), JSON.parse(raw.toString('utf8'))),
      body: JSON.parse(raw.toString('utf8')),
      timings: {},
      phase: 'call',
    } as unknown as RoutedRequest;
    try {
      request.decision = decisionOf(config, request.body);
      test.outcomes.push(await caller.call(request, response, hooks));
    } catch (error) {
      const told = error instanceof RouterError ? error : new RouterError('internal_error', String(error));
      test.outcomes.push(told);
      if (response.headersSent) response.end();
      else
        response
          .writeHead(told.status, { ...hooks.headers(null), ...told.headers })
          .end(JSON.stringify(told.toBody()));
    }
  };
  const server = createServer((http, response) => void handle(http, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return Object.assign(test, {
    llms,
    caller,
    config,
    url,
    ask: (body: ChatBody = {}, init: { signal?: AbortSignal; headers?: Record<string, string> } = {}) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...init.headers },
        body: JSON.stringify({ model: 'client-model', messages: USER, ...body }),
        ...(init.signal && { signal: init.signal }),
      }),
    last: () => {
      const outcome = test.outcomes.at(-1);
      if (!outcome || outcome instanceof RouterError) throw new Error(`no outcome but ${outcome}`);
      return outcome;
    },
    stop: async () => {
      await caller.close();
      await llms.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}

/** Runs a test body with a call set up, and takes it down. */
export function withCall(setup: CallSetup, run: (call: CallTest) => Promise<void>): () => Promise<void> {
  return async () => {
    const call = await startCall(setup);
    try {
      await run(call);
    } finally {
      await call.stop();
    }
  };
}

/** The same with `first` on raw sockets, and `second`, a sound stand-in, behind it where it is backed. */
export function withRaw(
  setup: { readonly answer: RawAnswer; readonly alone?: boolean; readonly target?: object } & CallSetup,
  run: (call: CallTest, upstream: RawUpstream) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const upstream = await startRawUpstream(setup.answer);
    const { answer: _answer, alone, target, ...more } = setup;
    const first = { name: 'first', api_base: upstream.url, api_key: 'upstream-key', ...target };
    const targets = [first, ...(alone ? [] : [{ name: 'second' }])];
    try {
      await withCall({ targets, ...more }, (call) => run(call, upstream))();
    } finally {
      await upstream.close();
    }
  };
}

/** Waits until a condition holds; fails with its name after ten seconds. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  const until = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > until) throw new Error(`it never came true: ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

export interface OpenAiError {
  error: { message: string; type: string; param: string | null; code: string };
}

export const errorOf = async (response: Response) => ((await response.json()) as OpenAiError).error;

/** Data of an event stream's events. */
export function dataOf(text: string): string[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: '))
    .map((event) => event.slice('data: '.length));
}

export const attemptsOf = (outcome: CallOutcome): [string, AttemptOutcome][] =>
  outcome.attempts.map((attempt): [string, AttemptOutcome] => [attempt.target.name, attempt.outcome]);

export const targetNamed = (config: RouterConfig, name: string): Target => config.table.targets.get(name)!;
