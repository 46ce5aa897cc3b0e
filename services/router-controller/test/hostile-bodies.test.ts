/** Bodies made to hurt: a stranger's is not read, a caller's is bounded while it comes, and others are served meanwhile. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['A', 'B'];
const KEY = 'sk-llmr-hostile-bodies-acme';
const OTHER = 'sk-llmr-hostile-bodies-other';
const CONFIG = `
default_policy: p
server: { headers_timeout_ms: 500, request_timeout_ms: 6000, body_idle_timeout_ms: 400, body_bytes_in_flight: 8000000 }
auth:
  keys:
    - { id: acme, tenant: acme, hash: '${hashKey(KEY)}' }
    - { id: other, tenant: other, hash: '${hashKey(OTHER)}' }
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    llms:
      - { name: A, api_base: '{LLM}', model: model-a }
      - { name: B, api_base: '{LLM}', model: model-b }
`;

interface Raw {
  /** What came back before the connection closed, or so far. */
  readonly text: () => string;
  readonly send: (data: string | Buffer) => void;
  readonly ended: Promise<void>;
  readonly close: () => void;
}

function raw(url: string, head: string): Raw {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.write(head);
  return {
    text: () => text,
    send: (data) => void socket.write(data),
    ended: new Promise((resolve) => socket.once('close', () => resolve())),
    close: () => socket.destroy(),
  };
}

const post = (headers: Record<string, string>) =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${Object.entries(
    headers,
  )
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

const mine = { authorization: `Bearer ${KEY}` };

describe('hostile bodies', () => {
  let whole: Whole;

  before(async () => {
    const classifier = scriptedClassifier(LABELS, () => favour(LABELS, 'A'));
    whole = await startWhole({ config: CONFIG, connect: () => classifier });
  });
  after(() => whole.stop());

  const send = (body: Buffer | string, headers: Record<string, string> = {}) =>
    fetch(`${whole.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...mine, ...headers },
      body,
    });
  const codeOf = async (response: Response) =>
    ((await response.json()) as { error: { code: string } }).error.code;

  test('a stranger is refused before a byte of the body came', async () => {
    const stranger = raw(whole.url, post({ 'content-length': '30000000' }));
    await eventually('an answer', () => stranger.text().includes('invalid_api_key'));
    assert.match(stranger.text(), /^HTTP\/1\.1 401 /);
    assert.match(stranger.text(), /connection: close/i);
    await stranger.ended;
  });

  test('a stranger who asks whether to go on is never told to', async () => {
    const stranger = raw(whole.url, post({ 'content-length': '1000', expect: '100-continue' }));
    await eventually('an answer', () => stranger.text().includes('invalid_api_key'));
    assert.doesNotMatch(stranger.text(), /100 Continue/);
    stranger.close();
    const known = raw(whole.url, post({ 'content-length': '2', expect: '100-continue', ...mine }));
    await eventually('an invitation', () => known.text().includes('100 Continue'));
    known.send('{}');
    await eventually('an answer', () => known.text().includes('messages'));
    known.close();
  });

  test('packed bodies that grow without end, nest without end or hold too many values are refused', async () => {
    const packed = (text: string) => send(gzipSync(text), { 'content-encoding': 'gzip' });
    const grown = await packed(JSON.stringify({ messages: user('a'.repeat(20_000_000)) }));
    assert.deepEqual([grown.status, await codeOf(grown)], [413, 'request_too_large']);
    for (const unit of ['[],', '{},', '0,', '"",', '[{"a":[1]}],']) {
      const many = await packed(`{"tools":[${unit.repeat(400_000)}1]}`);
      assert.ok([400, 413].includes(many.status), `${unit} ${many.status}`);
    }
    const values = await send(`{"tools":[${'{},'.repeat(210_000)}{}]}`);
    assert.deepEqual([values.status, await codeOf(values)], [400, 'invalid_request']);
    for (const open of ['[', '{"a":', '{"messages":[']) {
      const deep = await send(open.repeat(5_000));
      assert.deepEqual([deep.status, await codeOf(deep)], [400, 'invalid_request'], open);
    }
    const broken = await send(Buffer.from('no gzip at all'), { 'content-encoding': 'gzip' });
    assert.deepEqual([broken.status, await codeOf(broken)], [400, 'invalid_request']);
    const unknown = await send('{}', { 'content-encoding': 'zstd, gzip' });
    assert.deepEqual([unknown.status, await codeOf(unknown)], [415, 'unsupported_media_type']);
  });

  test('headers that never end, and a body that trickles on, are cut soon after their time', async () => {
    const head = raw(whole.url, 'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n');
    const body = raw(whole.url, post({ 'content-length': '5000000', ...mine }));
    const more = setInterval(() => {
      head.send('a: b\r\n');
      body.send(' ');
    }, 100);
    let open = 2;
    void head.ended.then(() => open--);
    void body.ended.then(() => open--);
    // Node by itself looks every half a minute.
    await eventually('both are closed', () => open === 0, 20_000).finally(() => clearInterval(more));
    assert.match(head.text(), /^HTTP\/1.1 408/);
    assert.match(body.text(), /^HTTP\/1.1 408/);
  });

  test('a client that stops in its body is told, and holds nothing', async () => {
    const slow = raw(whole.url, post({ 'content-length': '5000000', ...mine }));
    slow.send('{"messages":');
    await eventually('an answer', () => slow.text().includes('request_timeout'));
    await slow.ended;
    await eventually('nothing is held', () => whole.router.inFlight() === 0);
  });

  test('one tenant can’t hold all bytes in flight', async () => {
    const half = 'x'.repeat(1_900_000);
    const holding = [1, 2].map(() => {
      const held = raw(whole.url, post({ 'content-length': '6000000', ...mine }));
      held.send(`{"a":"${half}`);
      return held;
    });
    await eventually('bytes are held', async () => {
      const metric = await whole.metrics.registry.getSingleMetric('llm_router_body_bytes')!.get();
      return metric.values[0]!.value > 3_700_000;
    });
    const another = await send(JSON.stringify({ messages: user(half) }));
    assert.deepEqual(
      [another.status, another.headers.get('retry-after'), await codeOf(another)],
      [503, '1', 'overloaded'],
    );
    const other = await chat(
      whole.url,
      { messages: user(half) },
      { headers: { authorization: `Bearer ${OTHER}` } },
    );
    assert.equal(other.status, 200);
    for (const held of holding) held.close();
    await eventually('all is given back', async () => {
      const metric = await whole.metrics.registry.getSingleMetric('llm_router_body_bytes')!.get();
      return metric.values[0]!.value === 0;
    });
  });

  test('bytes arrive upstream as they were sent, but for the model and the router’s own field', async () => {
    const body =
      '{ "nim-llm-router":{"policy":"p"}, "seed":9223372036854775807,"b":1.0,"10":1e400,"2":-0, "b":"\\u0041",\n' +
      '"model":"auto","messages":[{"role":"user","content":"h\\u00e9llo"}] ,"x":{"model":"auto"} }';
    assert.equal((await send(body)).status, 200);
    const seen = whole.llms.seen.at(-1)!;
    const expected = body.replace('"nim-llm-router":{"policy":"p"}, ', '').replace('"auto"', '"model-a"');
    assert.equal(seen.raw.toString(), expected);
  });

  test('a body of many megabytes is cut nowhere on its way up', async () => {
    const body = JSON.stringify({ model: 'p', messages: user(`é🙂\n"${'héllo wörld\\ '.repeat(100_000)}`) });
    assert.equal((await send(body)).status, 200);
    assert.equal(whole.llms.seen.at(-1)!.raw.toString(), body.replace('"p"', '"model-a"'));
  });

  test('a form or text is answered with the header to add', async () => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
    ]) {
      const response = await send('{}', { 'content-type': type });
      assert.equal(response.status, 415);
      assert.match(await response.text(), /content-type: application\/json/);
    }
  });

  test('keys are found where OpenAI’s, Anthropic’s and Azure’s clients put them', async () => {
    for (const headers of [mine, { 'x-api-key': KEY }, { 'api-key': KEY }]) {
      const response = await fetch(`${whole.url}/v1/models`, { headers });
      assert.equal(response.status, 200, Object.keys(headers)[0]);
    }
    assert.equal((await fetch(`${whole.url}/v1/models`, { headers: { 'api-key': 'x y' } })).status, 401);
  });

  test('every spelling of the endpoint is the endpoint', async () => {
    for (const path of [
      '/v1/chat/completions/',
      '//v1/chat/completions',
      '/V1/Chat/Completions',
      '/chat/completions',
      '/openai/deployments/auto/chat/completions?api-version=2024-10-21',
    ]) {
      const response = await fetch(`${whole.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...mine },
        body: JSON.stringify({ messages: user('hello') }),
      });
      assert.equal(response.status, 200, path);
      assert.equal(whole.llms.seen.at(-1)!.path.split('?')[0], '/v1/chat/completions');
    }
  });
});
