/** Traces, as an OTLP/HTTP receiver gets them. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startRedis } from '../proof/limits/start-redis.ts';
import { createTracing } from '../src/observe/index.ts';
import { NO_TRACING } from '../src/observe/spans.ts';
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

interface RawSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status?: { code?: number };
  readonly events?: { name: string }[];
  readonly attributes: { key: string; value: Record<string, unknown> }[];
}

const SERVER = 2;
const CLIENT = 3;
const FAILED = 2;

async function startCollector() {
  const spans: RawSpan[] = [];
  const services = new Set<unknown>();
  const resources: RawSpan['attributes'][] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    assert.equal(request.url, '/v1/traces');
    const body = JSON.parse(Buffer.concat(parts).toString()) as {
      resourceSpans: {
        resource: { attributes: RawSpan['attributes'] };
        scopeSpans: { spans: RawSpan[] }[];
      }[];
    };
    for (const { resource, scopeSpans } of body.resourceSpans) {
      resources.push(resource.attributes);
      services.add(resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue);
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    services,
    resources,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

const attribute = (span: RawSpan, name: string) => {
  const value = span.attributes.find(({ key }) => key === name)?.value;
  return value && Object.values(value)[0];
};

const LABELS = ['Easy', 'Hard'];
const start = (tracing: object | undefined, more: object = {}) =>
  startWhole({
    config: JSON.stringify({
      default_policy: 'p',
      ...(tracing && { tracing }),
      ...more,
      targets: [
        { name: 'small', api_base: '{LLM}/v1', model: 'small', price: { input: 1, output: 2 } },
        { name: 'broken', api_base: '{LLM}/v1', model: 'broken#fault=status:500' },
      ],
      policies: [
        {
          name: 'p',
          sticky: { enabled: 'redis' in more },
          url: 'grpc://127.0.0.1:1/m',
          retry_budget: { attempts: 2 },
          llms: [
            { name: 'Easy', target: 'small' },
            { name: 'Hard', target: 'broken', fallbacks: ['small'] },
          ],
        },
      ],
    }),
    standIns: false,
    connect: () =>
      scriptedClassifier(LABELS, (text) => favour(LABELS, text.includes('hard') ? 'Hard' : 'Easy')),
    llms: {
      fault: ({ body }) =>
        JSON.stringify(body.messages).includes('LEAVE') ? { kind: 'stall-in-stream', after: 1 } : null,
    },
  });

const CALLER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

async function ask(whole: Whole, content: string, headers: Record<string, string> = {}, stream = true) {
  const response = await chat(whole.url, { model: 'p', stream, messages: user(content) }, { headers });
  await response.text();
  return response;
}

test('one span a request, with its classification and every attempt under it; traceparent in and out', async () => {
  const collector = await startCollector();
  const whole = await start({ endpoint: collector.url, service_name: 'router-under-test' });
  try {
    const secret = 'a hard question about my secret plan';
    await ask(whole, secret, { traceparent: CALLER, tracestate: 'vendor=1', 'x-request-id': 'traced' });
    await ask(whole, 'an easy one', {}, false);
    const leaving = new AbortController();
    await chat(whole.url, { model: 'p', stream: true, messages: user('LEAVE') }, { signal: leaving.signal });
    leaving.abort();
    const refused = await chat(whole.url, { model: 'nobody', messages: user('hello') });
    assert.equal(refused.status, 404);
    await eventually('all is settled', () => whole.router.inFlight() === 0);
    await whole.stop();

    assert.deepEqual([...collector.services], ['router-under-test']);
    const [root] = collector.spans.filter((span) => attribute(span, 'llm_router.request_id') === 'traced');
    assert.ok(root);
    assert.equal(root.traceId, CALLER.split('-')[1]);
    assert.equal(root.parentSpanId, CALLER.split('-')[2]);
    assert.equal(root.kind, SERVER);
    assert.notEqual(root.status?.code, FAILED);
    assert.equal(attribute(root, 'http.response.status_code'), 200);
    assert.equal(attribute(root, 'gen_ai.operation.name'), 'chat');
    assert.equal(attribute(root, 'gen_ai.response.model'), 'small');
    assert.equal(attribute(root, 'llm_router.label'), 'Hard');
    assert.ok(Number(attribute(root, 'gen_ai.usage.output_tokens')) > 0);

    const children = collector.spans.filter((span) => span.parentSpanId === root.spanId);
    assert.deepEqual(
      children.map(({ name }) => name),
      ['classify p', 'chat broken#fault=status:500', 'chat small'],
    );
    const [classification, failed, answered] = children;
    assert.equal(classification!.kind, CLIENT);
    assert.equal(attribute(classification!, 'llm_router.label'), 'Hard');
    assert.equal(failed!.status?.code, FAILED);
    assert.equal(attribute(failed!, 'error.type'), 'status_5xx');
    assert.equal(attribute(failed!, 'http.response.status_code'), 500);
    assert.equal(attribute(answered!, 'gen_ai.request.model'), 'small');
    assert.equal(attribute(answered!, 'error.type'), undefined);
    assert.deepEqual(
      answered!.events?.map(({ name }) => name),
      ['first token'],
    );
    for (const span of children) {
      assert.ok(BigInt(span.startTimeUnixNano) >= BigInt(root.startTimeUnixNano) - 5_000_000n);
      assert.ok(BigInt(span.endTimeUnixNano) <= BigInt(root.endTimeUnixNano) + 5_000_000n);
    }

    // What the upstream was told leads to its attempt.
    const sent = whole.llms.seen.filter(({ body }) => JSON.stringify(body).includes('secret plan'));
    assert.deepEqual(
      sent.map(({ headers }) => headers.traceparent),
      [failed, answered].map((span) => `00-${root.traceId}-${span!.spanId}-01`),
    );
    assert.equal(sent[0]!.headers.tracestate, 'vendor=1');

    // A request of its own begins its own trace; one that is left or refused ends as a failure of its kind.
    const roots = collector.spans.filter(({ kind }) => kind === SERVER);
    assert.equal(roots.length, 4);
    assert.equal(new Set(roots.map(({ traceId }) => traceId)).size, 4);
    const errors = roots.map((span) => attribute(span, 'error.type') ?? null);
    assert.deepEqual(errors.sort(), ['client_closed_request', 'model_not_found', null, null]);
    assert.equal(
      new Set(collector.spans.map(({ spanId }) => spanId)).size,
      collector.spans.length,
      'each ends once',
    );

    assert.ok(!JSON.stringify(collector.spans).includes('secret plan'), 'no prompt unless asked');
    const line = whole
      .logged()
      .split('\n')
      .find((each) => each.includes('"traced"') && each.includes('"message":"request"'));
    assert.equal(JSON.parse(line!).trace_id, root.traceId);
  } finally {
    await whole.stop();
    await collector.close();
  }
});

/** Limits, a budget, pins and cached decisions, all in Redis. */
const inRedis = (url: string, key_prefix: string, call_timeout_ms = 60_000) => ({
  redis: { url, key_prefix, call_timeout_ms },
  classifier: { cache_in_redis: true },
  limits: [
    { name: 'all', scope: 'global', tokens_per_minute: 1_000_000 },
    { name: 'each', scope: 'target', concurrent: 10 },
  ],
  budgets: [{ name: 'month', period: 'month', usd: 1_000 }],
});

const reached = (whole: Whole) =>
  eventually(
    'Redis is reached',
    async () => (await sample(whole.metrics, 'llm_router_limiter_backend_up')) === 1,
  );

test('one span a Redis call, by the conventions for databases, and nothing of what is kept there', async () => {
  const [redis, collector] = await Promise.all([startRedis(), startCollector()]);
  const whole = await start({ endpoint: collector.url }, inRedis(redis.url, 'spans'));
  try {
    await reached(whole);
    await ask(whole, 'an easy one', { 'x-session-id': 'session-of-ann', 'x-request-id': 'traced' });
    await eventually('all is settled', () => whole.router.inFlight() === 0);
    await whole.stop();
    const [root] = collector.spans.filter((span) => attribute(span, 'llm_router.request_id') === 'traced');
    const calls = collector.spans.filter((span) => attribute(span, 'db.system.name') === 'redis');
    assert.deepEqual(calls.map(({ name }) => name).sort(), [
      'EVALSHA llmHold', // what the budget may be charged
      'EVALSHA llmSettle', // the target's place
      'EVALSHA llmSettle', // the tokens
      'EVALSHA llmTake', // for all callers
      'EVALSHA llmTake', // for the target
      'GET', // the conversation
      'GET', // the decision
      'HGET', // the budget
      'SET',
      'SET',
    ]);
    for (const call of calls) {
      const [command, script] = call.name.split(' ');
      assert.equal(call.kind, CLIENT);
      assert.equal(call.traceId, root!.traceId);
      assert.equal(call.parentSpanId, root!.spanId);
      assert.notEqual(call.status?.code, FAILED);
      assert.equal(attribute(call, 'db.operation.name'), command);
      assert.equal(attribute(call, 'db.stored_procedure.name'), script);
      assert.equal(attribute(call, 'server.address'), '127.0.0.1');
      assert.equal(Number(attribute(call, 'server.port')), redis.port);
    }
    assert.doesNotMatch(JSON.stringify(calls), /spans|session-of-ann|easy/);
  } finally {
    await whole.stop();
    await Promise.all([collector.close(), redis.close()]);
  }
});

test('a Redis that does not answer is waited for once a request, and its span says so', async () => {
  const [redis, collector] = await Promise.all([startRedis(), startCollector()]);
  const whole = await start({ endpoint: collector.url }, inRedis(redis.url, 'paused', 1_000));
  try {
    await reached(whole);
    await redis.pause();
    const response = await ask(whole, 'an easy one', { 'x-request-id': 'traced' });
    assert.equal(response.status, 200);
    redis.resume();
    await whole.stop();
    const calls = collector.spans.filter((span) => attribute(span, 'db.system.name') === 'redis');
    // The budget's call took all the time there is; after it nothing was waited for.
    const waitedFor = calls.filter(({ name }) => name !== 'SET' && !name.includes('llmSettle'));
    assert.deepEqual(
      waitedFor.map((span) => [span.name, attribute(span, 'error.type'), span.status?.code]),
      [['HGET', 'timeout', FAILED]],
    );
    assert.equal(
      await sample(whole.metrics, 'llm_router_limiter_backend_errors_total', { reason: 'timeout' }),
      1,
    );
    assert.ok(
      (await sample(whole.metrics, 'llm_router_limiter_backend_errors_total', { reason: 'waited' })) >= 3,
    );
  } finally {
    redis.resume();
    await whole.stop();
    await Promise.all([collector.close(), redis.close()]);
  }
});

test('a caller that does not sample is not sampled, and its trace goes on', async () => {
  const collector = await startCollector();
  const whole = await start({ endpoint: collector.url });
  try {
    await ask(whole, 'an easy one', { traceparent: CALLER.replace(/01$/, '00') });
    assert.match(
      String(whole.llms.seen[0]!.headers.traceparent),
      /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/,
    );
    await whole.stop();
    assert.equal(collector.spans.length, 0);
  } finally {
    await whole.stop();
    await collector.close();
  }
});

test('with tracing.prompts the classified text is in the span, without the secrets in it', async () => {
  const collector = await startCollector();
  const whole = await start({ endpoint: collector.url, prompts: true });
  try {
    await ask(whole, 'my key is sk-secret-123456, help');
    await eventually('all is settled', () => whole.router.inFlight() === 0);
    await whole.stop();
    const root = collector.spans.find(({ kind }) => kind === SERVER);
    assert.match(String(attribute(root!, 'gen_ai.input.messages')), /my key is \[REDACTED\], help/);
  } finally {
    await whole.stop();
    await collector.close();
  }
});

test('off by default: no span, and the caller’s traceparent goes through as it came', async () => {
  const whole = await start(undefined);
  try {
    await ask(whole, 'an easy one', { traceparent: CALLER });
    assert.equal(whole.llms.seen[0]!.headers.traceparent, CALLER);
    await ask(whole, 'another');
    assert.equal(whole.llms.seen[1]!.headers.traceparent, undefined);
    assert.doesNotMatch(whole.logged(), /trace_id/);
  } finally {
    await whole.stop();
  }
});

test('a receiver that is away costs its spans and is told once; requests go on', async () => {
  const whole = await start({ endpoint: 'http://127.0.0.1:9' });
  try {
    for (let n = 0; n < 3; n++) assert.equal((await ask(whole, `request ${n}`)).status, 200);
    const told = () => whole.logged().match(/traces can’t be delivered/g)?.length;
    for (const until = Date.now() + 30_000; told() === undefined && Date.now() < until; )
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await ask(whole, 'one more')).status, 200);
    assert.equal(told(), 1);
  } finally {
    await whole.stop();
  }
});

test('OpenTelemetry’s own variables turn it on and off', async () => {
  const settings = { sample_ratio: 1, service_name: 's' };
  const told = (message: string) => assert.fail(message);
  assert.equal(await createTracing(settings, '1', told, {}), NO_TRACING);
  const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  for (const off of [{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }])
    assert.equal(await createTracing(settings, '1', told, { ...on, ...off }), NO_TRACING);
  const tracing = await createTracing(settings, '1', told, on);
  assert.notEqual(tracing, NO_TRACING);
  assert.match(tracing.request('r', {}, 0).traceparent!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  await tracing.close();
});

/** Spans of one request begun with these variables, and what was told. */
async function tracedWith(env: Record<string, string>, headers: Record<string, string> = {}) {
  const collector = await startCollector();
  const told: string[] = [];
  const all = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env };
  const before = Object.keys(all).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, all);
  try {
    const settings = { sample_ratio: 1, service_name: 's' };
    const tracing = await createTracing(settings, '1', (message) => told.push(message));
    tracing.request('r', headers, 0).end();
    await tracing.close();
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    await collector.close();
  }
  const resource = Object.fromEntries(
    (collector.resources[0] ?? []).map(({ key, value }) => [key, value.stringValue]),
  );
  return { spans: collector.spans.length, resource, told };
}

test('resource attributes of the environment are on the spans', async () => {
  const { resource } = await tracedWith({
    OTEL_RESOURCE_ATTRIBUTES: 'k8s.pod.name=router-1,deployment.environment.name=prod%20eu',
  });
  assert.equal(resource['k8s.pod.name'], 'router-1');
  assert.equal(resource['deployment.environment.name'], 'prod eu');
  assert.equal(resource['service.name'], 's');
  const named = await tracedWith({
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=by-attribute',
    OTEL_SERVICE_NAME: 'by-name',
  });
  assert.equal(named.resource['service.name'], 'by-name');
});

test('the environment’s sampler is kept, and one that means nothing is told', async () => {
  const cases: readonly [Record<string, string>, number, Record<string, string>][] = [
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, 0, { traceparent: CALLER }],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, 1, { traceparent: CALLER.replace(/01$/, '00') }],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 0, {}],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 1, { traceparent: CALLER }],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, 0, {}],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '1' }, 1, {}],
  ];
  for (const [env, spans, headers] of cases) {
    const seen = await tracedWith(env, headers);
    assert.deepEqual([seen.spans, seen.told], [spans, []], JSON.stringify(env));
  }
  const meaningless: readonly Record<string, string>[] = [
    { OTEL_TRACES_SAMPLER: 'sometimes' },
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'half' },
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier-pigeon' },
  ];
  for (const env of meaningless) {
    const { spans, told } = await tracedWith(env);
    assert.equal(spans, 1);
    assert.deepEqual(told.length, 1, told.join());
    assert.ok(told[0]!.startsWith(Object.entries(env).at(-1)!.join('=')), told[0]);
  }
});
