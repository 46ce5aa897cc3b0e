/** Every name of the catalogue is fed by a real run, and nobody's name becomes a label. */
import assert from 'node:assert/strict';
import { Agent, request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { hashKey } from '../src/authenticate/index.ts';
import { ClassifierError } from '../src/decide/classify/model-client.ts';
import { CATALOGUE, createMetrics } from '../src/observe/index.ts';
import {
  chat,
  eventually,
  favour,
  sample,
  scriptedClassifier,
  startWhole,
  user,
  type Whole,
} from './harness.ts';

const LABELS = ['Easy', 'Hard'];
const KEY = 'llmr_a-key-for-the-metrics-test';

/** Fed by parts that this file does not start: each has its own test. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  // lying-upstreams.test.ts
  'usageDoubted',
  'unpriced',
  'limiterErrors',
  'limiterUp',
  'budgetUsed',
  'ledgerLost',
  'logDropped',
  'decisionLog',
  // passed.test.ts
  'passed',
  // value.test.ts
  'valueSaved',
  'valueQuality',
  // feedback.test.ts
  'feedback',
  'feedbackQuality',
  // notify.test.ts
  'notices',
  // records.test.ts
  'spendLog',
  'objectLines',
  // With `runtime` alone, below.
  'eventLoopLag',
  'eventLoopBusy',
]);
/** Honest at zero after the run. */
const ZERO: ReadonlySet<string> = new Set([
  'bodyBytes',
  'configDiffersSince',
  'connectionsDropped',
  'conversationSavings',
  'inFlight',
  'queued',
  'workerEnds',
]);

const CONFIG = `
default_policy: p
server: { max_in_flight: 2, max_queue: 5, max_queue_wait_ms: 20000 }
upstream: { breaker_failures: 2, retry_first_ms: 1, retry_max_ms: 2, breaker_open_ms: 60000 }
prompt: { max_chars: 256 }
auth:
  keys:
    - { id: tester, hash: '${hashKey(KEY)}' }
    - { id: limited, hash: '${hashKey(`${KEY}-limited`)}' }
limits:
  - { name: few, scope: key, match: limited, requests_per_minute: 1 }
targets:
  - { name: small, api_base: '{LLM}/v1', model: small, price: { input: 1, output: 2 } }
  - { name: large, api_base: '{LLM}/v1', model: large, price: { input: 10, output: 20 } }
  - { name: broken, api_base: '{LLM}/v1', model: 'broken#fault=status:500' }
  - { name: locked, api_base: '{LLM}/v1', model: 'locked#fault=status:401' }
  - { name: gone, api_base: '{LLM}/v1', model: 'gone#fault=status:404' }
  - { name: cut, api_base: '{LLM}/v1', model: 'cut#fault=truncate:2' }
  - { name: silent, api_base: '{LLM}/v1', model: 'silent#fault=stall-in-stream:2' }
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    fallback: Easy
    threshold: 0.7
    sticky: { enabled: true }
    shadow: { policy: other, share: 1 }
    llms:
      - { name: Easy, target: small }
      - { name: Hard, target: large }
  - name: other
    url: grpc://127.0.0.1:1/m
    llms:
      - { name: Easy, target: small }
      - { name: Hard, target: large }
  - name: faulty
    url: grpc://127.0.0.1:1/m
    llms:
      - { name: Easy, target: broken, fallbacks: [small] }
      - { name: Hard, target: locked, fallbacks: [gone, small] }
  - name: streams
    url: grpc://127.0.0.1:1/m
    llms:
      - { name: Easy, target: cut }
      - { name: Hard, target: silent }
`;

describe('the catalogue', () => {
  let whole: Whole;
  const ask = (body: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    chat(whole.url, body, {
      headers: { authorization: `Bearer ${KEY}`, ...headers },
      ...(signal && { signal }),
    });
  const read = async (body: object, headers: Record<string, string> = {}) => {
    const response = await ask(body, headers);
    await response.text();
    return response.status;
  };
  const manual = (policy: string, model: string, stream = false) => ({
    stream,
    messages: user('hello'),
    'nim-llm-router': { policy, routing_strategy: 'manual', model },
  });

  before(async () => {
    const classifier = scriptedClassifier(LABELS, async (text) => {
      if (text.includes('TROUBLE')) throw new ClassifierError('unavailable', 'the test says so');
      await new Promise((resolve) => setTimeout(resolve, 20));
      return favour(LABELS, text.includes('hard') ? 'Hard' : 'Easy', text.includes('unclear') ? 0.6 : 0.9);
    });
    whole = await startWhole({ config: CONFIG, standIns: false, connect: () => classifier });
  });
  after(() => whole.stop());

  test('a run with all kinds of requests feeds every name', async () => {
    // The same text twice at once, then from the cache.
    const easy = { model: 'p', messages: user('an easy one') };
    assert.deepEqual(await Promise.all([read(easy), read(easy)]), [200, 200]);
    assert.equal(await read(easy), 200);
    assert.equal(await read({ model: 'p', stream: true, messages: user('a hard one') }), 200);
    assert.equal(await read({ model: 'p', messages: user('unclear') }), 200);
    assert.equal(await read({ model: 'p', messages: user('TROUBLE') }), 200);
    const followUp = [...user('an easy one'), { role: 'assistant', content: 'done' }, ...user('unclear')];
    assert.equal(await read({ model: 'p', messages: followUp }), 200);
    assert.equal(await read({ model: 'p', messages: user('long '.repeat(200)) }), 200);
    for (let turn = 0; turn < 2; turn++) {
      const body = { model: 'p', user: 'a-session', messages: user('part of a conversation') };
      assert.equal(await read(body, { 'x-session-id': 'one' }), 200);
    }
    // Upstream trouble: the breaker opens, a key is refused, a model is gone, a stream is cut.
    for (let n = 0; n < 3; n++) assert.equal(await read(manual('faulty', 'Easy')), 200);
    assert.equal(await read(manual('faulty', 'Hard')), 200);
    assert.equal(await read(manual('streams', 'Easy', true)), 200);
    // More at once than there are places, and a client that leaves.
    const leaving = new AbortController();
    const left = [
      ask(manual('streams', 'Hard', true), {}, leaving.signal),
      ask(manual('streams', 'Hard', true), {}, leaving.signal),
    ];
    await Promise.all(left);
    const waiting = read(easy);
    await eventually(
      'a request waits',
      async () => (await sample(whole.metrics, 'llm_router_queue_length')) === 1,
    );
    leaving.abort();
    assert.equal(await waiting, 200);
    // Refused before it has a policy.
    assert.equal((await chat(whole.url, easy)).status, 401);
    const limited = { authorization: `Bearer ${KEY}-limited` };
    assert.equal(await read(easy, limited), 200);
    assert.equal(await read(easy, limited), 429);
    assert.equal((await whole.router.reload('test')).result, 'unchanged');
    await eventually('all is settled', () => whole.router.inFlight() === 0);

    for (const [key, { name }] of Object.entries(CATALOGUE)) {
      if (ELSEWHERE.has(key)) continue;
      const metric = await whole.metrics.registry.getSingleMetric(name)!.get();
      assert.ok(metric.values.length > 0, `${name} has no series`);
      if (ZERO.has(key)) continue;
      assert.ok(
        metric.values.some(({ value }) => value > 0),
        `${name} was never fed`,
      );
    }
  });

  test('labels that a dashboard counts on are there', async () => {
    const at = (name: string, labels: Record<string, string>) => sample(whole.metrics, name, labels);
    for (const phase of ['receive', 'authenticate', 'admit', 'decide', 'send', 'settle'])
      assert.ok((await at('llm_router_phase_seconds', { phase })) > 0, phase);
    assert.equal(await at('llm_router_client_disconnects_total', { phase: 'relay' }), 2);
    assert.equal(await at('llm_router_breaker_state', { target: 'broken' }), 2);
    assert.equal(await at('llm_router_target_credentials_bad', { target: 'locked' }), 1);
    assert.equal(await at('llm_router_incomplete_streams_total', { target: 'cut' }), 1);
    for (const outcome of ['applied', 'cached', 'low_confidence', 'error'])
      assert.ok((await at('llm_router_classifications_total', { policy: 'p', outcome })) > 0, outcome);
    for (const result of ['hit', 'shared', 'miss'])
      assert.ok((await at('llm_router_decision_cache_total', { result })) > 0, result);
    for (const reason of [
      'classified',
      'manual',
      'pinned',
      'low_confidence_fallback',
      'classifier_error_fallback',
    ])
      assert.ok((await at('llm_router_decisions_total', { reason })) > 0, reason);
    assert.ok(
      (await at('gen_ai_server_request_duration_seconds', { error_type: 'client_closed_request' })) > 0,
    );
    assert.ok((await at('gen_ai_server_request_duration_seconds', { error_type: 'incomplete' })) > 0);
    const declared = await whole.metrics.registry
      .getSingleMetric('llm_router_upstream_attempts_total')!
      .get();
    assert.ok(
      declared.values.some(
        ({ labels, value }) => labels.target === 'gone' && labels.outcome === 'status_5xx' && value === 0,
      ),
      'counters of known targets begin at zero',
    );
  });

  test('the first token is counted from the attempt that answered, not from those that failed', async () => {
    const first = await sample(whole.metrics, 'llm_router_ttft_seconds', { target: 'large' });
    assert.ok(first > 0);
    assert.equal(await sample(whole.metrics, 'llm_router_ttft_seconds', { target: 'broken' }), 0);
  });
});

test('the event loop is watched where the process is', async () => {
  const metrics = createMetrics({ runtime: true });
  await eventually(
    'lag is observed',
    async () => (await sample(metrics, 'llm_router_event_loop_busy_seconds_total')) > 0,
  );
  const text = await metrics.registry.metrics();
  assert.match(text, /^llm_router_event_loop_lag_seconds_count [1-9]/m);
  for (const name of [
    'process_resident_memory_bytes',
    'nodejs_heap_size_used_bytes',
    'nodejs_gc_duration_seconds',
  ])
    assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'));
});

test('2,000 keys, tenants, users and sessions add no series', async () => {
  /** Twenty times as many as have names. */
  const PEOPLE = 2_000;
  const keys = Array.from({ length: PEOPLE }, (_, index) => `llmr_cardinality-${index}`);
  const classifier = scriptedClassifier(LABELS, () => favour(LABELS, 'Easy'));
  const config = {
    default_policy: 'p',
    auth: {
      keys: keys.map((key, n) => ({ id: `key-${n}`, tenant: `tenant-${n}`, hash: hashKey(key) })),
    },
    limits: [{ name: 'each', scope: 'key', requests_per_minute: 1000 }],
    policies: [
      {
        name: 'p',
        url: 'grpc://127.0.0.1:1/m',
        sticky: { enabled: true },
        llms: LABELS.map((name) => ({ name, api_base: '{LLM}', model: name })),
      },
    ],
  };
  const whole = await startWhole({ config: JSON.stringify(config), connect: () => classifier });
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const ask = (n: number) =>
    new Promise<void>((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${keys[n]}`,
        'x-session-id': `session-${n}`,
        'x-request-id': `request-${n}`,
        'user-agent': `agent-${n}`,
      };
      const request = httpRequest(
        `${whole.url}/v1/chat/completions`,
        { method: 'POST', agent, headers },
        (response) => {
          response
            .resume()
            .once('end', () =>
              response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
            );
        },
      );
      request.once('error', reject);
      request.end(JSON.stringify({ model: 'auto', user: `user-${n}`, messages: user('hello') }));
    });
  const series = async () =>
    (await whole.metrics.registry.metrics()).split('\n').filter((line) => /^[a-z]/.test(line));
  try {
    // A hundred tenants have names, the next ones are 'other'.
    for (let n = 0; n < 110; n++) await ask(n);
    const before = await series();
    let next = 110;
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (next < PEOPLE) await ask(next++);
      }),
    );
    assert.equal(await sample(whole.metrics, 'num_requests'), PEOPLE);
    const after = await series();
    const name = (line: string) => line.slice(0, line.lastIndexOf(' '));
    assert.deepEqual(after.map(name), before.map(name));
    for (const who of ['key-', 'session-', 'user-', 'request-', 'agent-'])
      assert.ok(!after.some((line) => line.includes(`"${who}`)), `${who} is a label`);
  } finally {
    agent.destroy();
    await whole.stop();
  }
});
