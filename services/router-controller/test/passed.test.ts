/** Endpoints that are passed on: the model names the target, bytes go both ways as they are, keys and limits hold. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { hashKey } from '../src/authenticate/index.ts';
import { eventually, favour, scriptedClassifier, startWhole, type Whole } from './harness.ts';

const LABELS = ['A'];
const KEY = 'sk-llmr-passed-acme-key';
const BOUND = 'sk-llmr-passed-bound-key';
const LIMITED = 'sk-llmr-passed-limited-key';
const NARROW = 'sk-llmr-passed-narrow-key';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const config = (upstream: string, more = '') => `
default_policy: p
${more}
auth:
  keys:
    - { id: acme, tenant: acme, hash: '${hashKey(KEY)}' }
    - { id: bound, tenant: acme, hash: '${hashKey(BOUND)}', policies: [p] }
    - { id: narrow, tenant: acme, hash: '${hashKey(NARROW)}', targets: [embed, whisper] }
    - { id: limited, tenant: acme, hash: '${hashKey(LIMITED)}', limits: { requests_per_minute: 1 } }
targets:
  - { name: chat, api_base: '{LLM}', model: chat-model }
  - { name: embed, api_base: '${upstream}', model: nv-embed, api_key: upstream-secret, price: { input: 1, output: 0 } }
  - { name: whisper, api_base: '${upstream}/v1', model: whisper-large, passes: [/v1/audio/*] }
  - { name: files, api_base: '${upstream}', model: none, passes: [/v1/files/*, /v1/batches/*, /v1/custom/*] }
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    llms: [{ name: A, target: chat }]
`;

describe('passed endpoints', () => {
  let server: Server;
  let upstream: string;
  let whole: Whole;
  const seen: Seen[] = [];

  before(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of request) chunks.push(chunk as Buffer);
      } catch {
        return;
      }
      seen.push({
        method: request.method!,
        url: request.url!,
        headers: request.headers,
        body: Buffer.concat(chunks),
      });
      if (request.url!.includes('/audio/speech')) {
        response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': 6 });
        response.end(Buffer.from([0, 1, 2, 255, 254, 0]));
      } else if (request.url!.includes('/embeddings')) {
        const data = [
          { object: 'embedding', index: 0, embedding: Array.from({ length: 20_000 }, (_, n) => n / 7) },
        ];
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ object: 'list', data, usage: { prompt_tokens: 8, total_tokens: 8 } }));
      } else if (request.url!.includes('refuse')) {
        response.writeHead(401, { 'content-type': 'application/json' });
        response.end('{"error":{"message":"bad key upstream-secret"}}');
      } else {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ url: request.url, method: request.method }));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const classifier = scriptedClassifier(LABELS, () => favour(LABELS, 'A'));
    whole = await startWhole({ config: config(upstream), standIns: false, connect: () => classifier });
  });
  after(async () => {
    await whole.stop();
    server.closeAllConnections();
    server.close();
  });

  const send = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}, key = KEY) =>
    fetch(`${whole.url}${path}`, {
      method: 'POST',
      ...init,
      headers: { authorization: `Bearer ${key}`, ...init.headers },
    });
  const json = (body: string) => ({ body, headers: { 'content-type': 'application/json' } });
  const codeOf = async (response: Response) =>
    ((await response.json()) as { error: { code: string } }).error.code;

  test('embeddings go to the target of their model, byte for byte but for its id, and are charged', async () => {
    const response = await send(
      '/v1/embeddings?x=1',
      json('{"input": ["a", 1.0], "seed":9223372036854775807, "model" :"embed"}'),
    );
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-llm-router-target'), 'embed');
    const answer = (await response.json()) as { data: { embedding: number[] }[] };
    assert.equal(answer.data[0]!.embedding.length, 20_000);
    const last = seen.at(-1)!;
    assert.equal(last.url, '/v1/embeddings?x=1');
    assert.equal(
      last.body.toString(),
      '{"input": ["a", 1.0], "seed":9223372036854775807, "model" :"nv-embed"}',
    );
    assert.equal(last.headers.authorization, 'Bearer upstream-secret');
    await eventually('it is charged', async () => {
      const usage = (await (
        await fetch(`${whole.url}/v1/usage`, { headers: { authorization: `Bearer ${KEY}` } })
      ).json()) as {
        by_target: Record<string, { input_tokens: number; cost_usd: number }>;
      };
      return usage.by_target.embed?.input_tokens === 8 && usage.by_target.embed.cost_usd === 8e-6;
    });
    const counted = await whole.metrics.registry.getSingleMetric('llm_router_passed_total')!.get();
    assert.ok(
      counted.values.some(
        ({ labels, value }) => labels.rule === '/v1/embeddings' && labels.target === 'embed' && value > 0,
      ),
    );
    const ofTenant = await whole.metrics.registry.getSingleMetric('llm_router_tenant_tokens_total')!.get();
    assert.ok(
      ofTenant.values.some(
        ({ labels, value }) => labels.tenant === 'acme' && labels.type === 'input' && value >= 8,
      ),
    );
    const azure = await send(
      '/openai/deployments/embed/embeddings?api-version=2024-10-21',
      json('{"input":"a"}'),
    );
    assert.equal(azure.status, 200);
    assert.equal(JSON.parse(seen.at(-1)!.body.toString()).model, 'nv-embed');
    assert.equal(seen.at(-1)!.url, '/v1/embeddings?api-version=2024-10-21');
  });

  test('forms are streamed with the model put in, wherever it stands', async () => {
    for (const order of ['first', 'last']) {
      const form = new FormData();
      if (order === 'first') form.set('model', 'whisper');
      form.set('file', new Blob([Buffer.alloc(300_000, 7)]), 'a.wav');
      if (order === 'last') form.set('model', 'whisper');
      const response = await send('/v1/audio/transcriptions', { body: form });
      assert.equal(response.status, 200, await response.text());
      const last = seen.at(-1)!;
      assert.equal(last.url, '/v1/audio/transcriptions');
      assert.equal(Number(last.headers['content-length'] ?? last.body.length), last.body.length);
      const text = last.body.toString('latin1');
      assert.match(text, /name="model"\r\n\r\nwhisper-large\r\n/);
      assert.equal(text.split('\u0007').length - 1, 300_000);
    }
  });

  test('binary answers come back as they are', async () => {
    const response = await send('/v1/audio/speech', json('{"model":"whisper-large","input":"hi"}'));
    assert.equal(response.headers.get('content-type'), 'audio/mpeg');
    assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [0, 1, 2, 255, 254, 0]);
  });

  test('without a model the only taker, or the one that the header names', async () => {
    const list = await send('/v1/files?limit=2', {
      method: 'GET',
      headers: { 'x-llm-router-target': 'files' },
    });
    assert.deepEqual(await list.json(), { url: '/v1/files?limit=2', method: 'GET' });
    const several = await send('/v1/moderations', json('{"input":"x"}'));
    assert.equal(several.status, 400);
    assert.match(await several.text(), /x-llm-router-target/);
    const only = await send('/v1/custom/things/7', { method: 'DELETE' });
    assert.deepEqual(await only.json(), { url: '/v1/custom/things/7', method: 'DELETE' });
    const wrong = await send('/v1/files', { method: 'GET', headers: { 'x-llm-router-target': 'whisper' } });
    assert.deepEqual([wrong.status, await codeOf(wrong)], [403, 'permission_denied']);
  });

  test('what would be shared under the operator’s key is passed only where a target lists it, or nobody has keys', async () => {
    const chatOnly = await send('/v1/uploads', json('{"model":"chat-model"}'));
    assert.equal(chatOnly.status, 404);
    const open = await startWhole({
      config:
        "policies: [{ name: p, url: 'grpc://127.0.0.1:1/m', llms: [{ name: A, target: files }] }]\n" +
        `targets: [{ name: files, api_base: '${upstream}', model: m }]`,
      standIns: false,
      connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
    });
    const files = await fetch(`${open.url}/v1/files`);
    assert.deepEqual(await files.json(), { url: '/v1/files', method: 'GET' });
    await open.stop();
  });

  test('what nobody takes is 404, and paths with tricks are none', async () => {
    for (const path of [
      '/v1/unknown',
      '/v1/custom/..%2f..%2fadmin',
      '/v1/custom/%2e%2e/x',
      '/v1/custom/a%5cb',
      '/v1/custom/a%00',
    ]) {
      const response = await send(path, { method: 'GET' });
      assert.deepEqual([response.status, await codeOf(response)], [404, 'not_found'], path);
    }
    const model = await send('/v1/embeddings', json('{"model":"nobody","input":"x"}'));
    assert.deepEqual([model.status, await codeOf(model)], [404, 'model_not_found']);
    assert.equal((await send('/v1/chat/completions', { method: 'GET' })).status, 405);
  });

  test('keys hold: none, one that may not, one at its limit', async () => {
    assert.equal(
      (await fetch(`${whole.url}/v1/embeddings`, { method: 'POST', ...json('{"model":"embed"}') })).status,
      401,
    );
    const bound = await send('/v1/embeddings', json('{"model":"embed","input":"x"}'), BOUND);
    assert.ok([403, 404].includes(bound.status), String(bound.status));
    assert.equal((await send('/v1/embeddings', json('{"model":"embed","input":"x"}'), LIMITED)).status, 200);
    const limited = await send('/v1/embeddings', json('{"model":"embed","input":"x"}'), LIMITED);
    assert.deepEqual([limited.status, await codeOf(limited)], [429, 'rate_limit_exceeded']);
  });

  test('a key that is bound to targets gets their models alone, however it names another', async () => {
    const before = seen.length;
    const named = { 'content-type': 'application/json', 'x-llm-router-target': 'embed' };
    const byHeader = await send(
      '/v1/embeddings',
      { body: '{"model":"chat-model","input":"x"}', headers: named },
      NARROW,
    );
    assert.deepEqual([byHeader.status, await codeOf(byHeader)], [403, 'permission_denied']);
    const asText = { 'content-type': 'text/plain', 'x-llm-router-target': 'embed' };
    const unread = await send('/v1/embeddings', { body: '{"model":"chat-model"}', headers: asText }, NARROW);
    assert.equal(unread.status, 415);
    const two = new FormData();
    two.append('model', 'whisper');
    two.append('model', 'chat-model');
    const doubled = await send('/v1/audio/transcriptions', { body: two }, NARROW);
    assert.equal(doubled.status, 400);
    const decoys = [
      'a--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper\r\n--b--',
      `--b\r\ncontent-disposition: form-data; x=${'y'.repeat(3_000)}; name="model"\r\n\r\nchat-model\r\n--b--`,
      `--b\r\ncontent-disposition: form-data; name*=utf-8''model\r\n\r\nchat-model\r\n--b--`,
      '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper\r\n',
    ];
    for (const body of decoys) {
      const headers = { 'content-type': 'multipart/form-data; boundary=b' };
      assert.equal(
        (await send('/v1/audio/transcriptions', { body, headers }, NARROW)).status,
        400,
        body.slice(0, 60),
      );
    }
    assert.equal(seen.length, before, 'nothing of it has gone upstream');
    const free = await send(
      '/v1/embeddings',
      { body: '{"model":"nv-dear","model":"nv-dearer","input":"x"}', headers: named },
      NARROW,
    );
    assert.equal(free.status, 200);
    assert.equal(seen.at(-1)!.body.toString(), '{"model":"nv-embed","model":"nv-embed","input":"x"}');
    const form = new FormData();
    form.set('file', new Blob([Buffer.alloc(1_000, 7)]), 'a.wav');
    form.set('model', 'whisper');
    assert.equal((await send('/v1/audio/transcriptions', { body: form }, NARROW)).status, 200);
    assert.match(seen.at(-1)!.body.toString('latin1'), /whisper-large/);
  });

  test('an upstream that refuses the router’s key is told as that, and its words stay', async () => {
    const response = await send('/v1/custom/refuse', { method: 'GET' });
    assert.equal(response.status, 502);
    const text = await response.text();
    assert.match(text, /upstream_bad_credentials/);
    assert.doesNotMatch(text, /upstream-secret/);
  });

  test('a default target takes everything that is left', async () => {
    whole.rewrite(config(upstream, 'passthrough: { default_target: files }'));
    assert.equal((await whole.router.reload('test')).result, 'applied');
    for (const [method, path] of [
      ['GET', '/v1/chat/completions'],
      ['GET', '/v1/chat/completions/chatcmpl-1/messages?limit=1'],
      ['POST', '/v1/fine_tuning/jobs'],
      ['DELETE', '/v1/assistants/asst_1'],
    ] as const) {
      const response = await send(path, { method, ...(method === 'POST' && json('{"a":1}')) });
      assert.deepEqual(await response.json(), { url: path, method }, path);
    }
    // What it was not named by is for it to know.
    const body = '{"model": "text-embedding-3-small","input":"a"}';
    assert.equal((await send('/v1/embeddings', json(body))).status, 200);
    assert.equal(seen.at(-1)!.body.toString(), body);
  });

  test('a client that leaves ends the upstream’s work', async () => {
    const gone = new AbortController();
    const leaving = send('/v1/custom/slow', {
      body: new ReadableStream({ start: (c) => c.enqueue(Buffer.from('a')) }),
      duplex: 'half',
      signal: gone.signal,
    } as object);
    await eventually('it is under way', () => whole.router.inFlight() === 1);
    gone.abort();
    await assert.rejects(leaving);
    await eventually('nothing is held', () => whole.router.inFlight() === 0);
  });
});
