/** Langfuse, as a receiver that asks for what its documentation says that it reads: address, basic authentication, attributes. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user } from './harness.ts';

const KEY = 'sk-llmr-key-of-a-client-0123456789';
const PUBLIC = 'pk-lf-0123456789';
const SECRET = 'sk-lf-9876543210abcdef';
const LABELS = ['Easy', 'Hard'];

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: { key: string; value: Record<string, unknown> }[];
}

/** Takes spans as Langfuse does: by its path, from who has the project's keys. */
async function startLangfuse() {
  const spans: Span[] = [];
  const refused: number[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const basic = `Basic ${Buffer.from(`${PUBLIC}:${SECRET}`).toString('base64')}`;
    const status =
      request.headers.authorization !== basic
        ? 401
        : request.url === '/api/public/otel/v1/traces'
          ? 200
          : 404;
    if (status !== 200) {
      refused.push(status);
      response.writeHead(status).end();
      return;
    }
    const body = JSON.parse(Buffer.concat(parts).toString()) as {
      resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
    };
    spans.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/public/otel`,
    spans,
    refused,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

const valuesOf = ({ attributes }: Span): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

for (const prompts of [false, true]) {
  test(`a request is a generation that Langfuse can file, price and filter${prompts ? ', with its text' : ''}`, async () => {
    const langfuse = await startLangfuse();
    const header = `Authorization=Basic ${Buffer.from(`${PUBLIC}:${SECRET}`).toString('base64')}`;
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = langfuse.url;
    process.env.OTEL_EXPORTER_OTLP_HEADERS = header;
    const whole = await startWhole({
      config: JSON.stringify({
        tracing: { langfuse: true, prompts },
        default_policy: 'p',
        auth: { keys: [{ id: 'client', tenant: 'acme', hash: hashKey(KEY) }] },
        targets: [{ name: 'small', api_base: '{LLM}/v1', model: 'small-1', price: { input: 1, output: 2 } }],
        policies: [
          {
            name: 'p',
            url: 'grpc://127.0.0.1:1/m',
            sticky: { enabled: true },
            llms: LABELS.map((name) => ({ name, target: 'small' })),
          },
        ],
      }),
      standIns: false,
      connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'Hard')),
    });
    try {
      const before = Date.now();
      const response = await chat(
        whole.url,
        { model: 'p', stream: true, messages: user('a question about my secret plan') },
        { headers: { authorization: `Bearer ${KEY}`, 'x-session-id': 'their-session' } },
      );
      await response.text();
      await eventually('all is settled', () => whole.router.inFlight() === 0);
      await whole.stop();
      assert.deepEqual(langfuse.refused, []);
      const root = langfuse.spans.find((span) => span.parentSpanId === undefined)!;
      const told = valuesOf(root);
      // By the names under "Attribute Mapping" of Langfuse's page on OpenTelemetry.
      const { 'langfuse.observation.completion_start_time': began, 'session.id': session } = told;
      for (const [name, value] of Object.entries({
        'langfuse.observation.type': 'generation',
        'langfuse.trace.name': 'route p',
        'user.id': 'client',
        'gen_ai.request.model': 'small-1',
        'gen_ai.response.model': 'small-1',
        'langfuse.trace.metadata.tenant': 'acme',
        'langfuse.trace.metadata.policy': 'p',
        'langfuse.trace.metadata.label': 'Hard',
        'langfuse.trace.metadata.entry': 'Hard',
        'langfuse.trace.metadata.target': 'small',
        'langfuse.trace.metadata.reason': 'classified',
        'langfuse.trace.metadata.request_id': response.headers.get('x-request-id'),
        'langfuse.observation.input': prompts ? 'a question about my secret plan' : undefined,
      }))
        assert.equal(told[name], value, name);
      const [input, output] = ['input', 'output'].map((side) => Number(told[`gen_ai.usage.${side}_tokens`]));
      assert.ok(input! > 0 && output! > 0);
      assert.ok(Math.abs(Number(told['gen_ai.usage.cost']) - (input! + 2 * output!) / 1e6) < 1e-12);
      assert.ok(
        Date.parse(String(began)) >= before && Date.parse(String(began)) <= Date.now(),
        String(began),
      );
      assert.ok(typeof session === 'string' && session.length > 8 && !session.includes('their-session'));
      const below = langfuse.spans.filter(({ parentSpanId }) => parentSpanId === root.spanId);
      assert.deepEqual(
        below.map(({ name }) => name),
        ['classify p', 'chat small-1'],
      );
      // Tokens and cost stand at one span of a trace, or they would count twice.
      for (const span of below)
        assert.ok(!Object.keys(valuesOf(span)).some((name) => name.startsWith('gen_ai.usage')));
      if (!prompts) assert.ok(!JSON.stringify(langfuse.spans).includes('secret plan'));
      assert.ok(!whole.logged().includes(SECRET));
    } finally {
      delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
      delete process.env.OTEL_EXPORTER_OTLP_HEADERS;
      await whole.stop();
      await langfuse.close();
    }
  });
}
