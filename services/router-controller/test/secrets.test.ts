/** An upstream that repeats what it was sent: the operator’s secrets reach neither clients nor the log, whatever their form. */
import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { formsOf } from '../src/observe/secrets/forms.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

/** None has a prefix that somebody could look for. */
const KEY = 'upsecret00112233445566778899aabb';
const GATEWAY = 'Xk7/q+Zw"9<r>T&2 mP';
const BASIC_PASSWORD = 'correct-horse-battery';
const ROTATED = 'rotated55443322110099887766';
const SECRETS = [KEY, GATEWAY, BASIC_PASSWORD, ROTATED];
const LABELS = ['A', 'B'];
const basic = `Basic ${Buffer.from(`ops:${BASIC_PASSWORD}`).toString('base64')}`;

const config = (key: string) => `
targets:
  - name: llm
    api_base: UPSTREAM
    api_key: ${key}
    model: m
    passes: [/v1/embeddings]
    headers: { x-gateway: ${JSON.stringify(GATEWAY)}, x-proxy-auth: "${basic}" }
upstream: { breaker_failures: 1000, retry_first_ms: 1 }
policies:
  - { name: p, url: "grpc://127.0.0.1:9/m", retry_budget: { attempts: 2 }, llms: [{ name: A, target: llm }, { name: B, target: llm }] }
default_policy: p
`;

let upstream: Server;
let whole: Whole;
let answer: (seen: IncomingHttpHeaders, response: ServerResponse) => void;
before(async () => {
  upstream = createServer((request, response) => {
    request.resume();
    response.on('error', () => {});
    request.on('end', () => answer(request.headers, response));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(upstream.address() as { port: number }).port}`;
  whole = await startWhole({
    config: config(KEY).replace('UPSTREAM', base),
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
});
after(async () => {
  await whole.stop();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});

/** What the upstream was sent, in every way of writing that it might think of. */
const repeated = (seen: IncomingHttpHeaders): string => {
  const plain = [seen.authorization, seen['x-gateway'], seen['x-proxy-auth']].map(String);
  plain.push(plain[0]!.slice(7), BASIC_PASSWORD);
  return plain
    .flatMap((text) => [
      text,
      Buffer.from(text).toString('base64'),
      Buffer.from(text).toString('base64url'),
      encodeURIComponent(text),
      JSON.stringify(JSON.stringify(text)),
      `user:${Buffer.from(`user:${text}`).toString('base64')}`,
    ])
    .join(' | ');
};
const completion = (content: string) =>
  JSON.stringify({
    id: 'x',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1 },
  });
const delta = (content: string) =>
  `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;
const json =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  (_seen: IncomingHttpHeaders, response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  };
const failed = (text: string) =>
  JSON.stringify({ error: { message: `refused: ${text}`, type: 'x', code: text } });

function assertClean(what: string, text: string): void {
  for (const secret of SECRETS)
    for (const form of formsOf(secret))
      assert.ok(!text.includes(form), `${what} tells ${form}: ${text.slice(0, 600)}`);
}

async function ask(stream: boolean): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await chat(whole.url, { messages: user('hi'), stream });
  const text = await response.text();
  assertClean('the body', text);
  assertClean('the headers', JSON.stringify([...response.headers]));
  return { status: response.status, text, headers: response.headers };
}

type Answer = typeof answer;
const ANSWERS: Record<string, Answer> = {
  'a whole answer': (seen, response) => json(200, completion(repeated(seen)))(seen, response),
  'an error with status 200': (seen, response) => json(200, failed(repeated(seen)))(seen, response),
  'an answer’s headers': (seen, response) =>
    json(200, completion('ok'), {
      'x-debug-authorization': String(seen.authorization),
      'x-debug': encodeURIComponent(repeated(seen)),
      'x-basic': String(seen['x-proxy-auth']),
    })(seen, response),
  'text that is no JSON': (seen, response) =>
    void response.writeHead(200, { 'content-type': 'text/plain' }).end(repeated(seen)),
  'a page of HTML with its error': (seen, response) =>
    void response.writeHead(500, { 'content-type': 'text/html' }).end(`<pre>${repeated(seen)}</pre>`),
  'the first event of a stream': (seen, response) =>
    void response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .end(`data: ${failed(repeated(seen))}\n\n`),
  'a later event of a stream': (seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(delta('a'));
    setTimeout(() => response.end(`data: ${failed(repeated(seen))}\n\n`), 20);
  },
  'an event that names itself an error, without JSON': (seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`${delta('a')}event: error\ndata: ${repeated(seen)}\n\n`);
  },
  'a stream’s content and comments': (seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`: ${repeated(seen)}\n\n${delta(repeated(seen))}data: [DONE]\n\n`);
  },
  'a stream in pieces of three bytes': async (seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const text = Buffer.from(`${delta(repeated(seen).slice(0, 900))}data: [DONE]\n\n`);
    response.socket!.setNoDelay(true);
    for (let at = 0; at < text.length; at += 3) {
      response.write(text.subarray(at, at + 3));
      if (at % 60 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  },
  'an event too long to be held, across its pieces': (seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const filler = 'x'.repeat(1024 * 1024 - 40);
    response.write(`${delta('a')}data: {"choices":[{"index":0,"delta":{"content":"${filler}`);
    const key = String(seen.authorization).slice(7);
    for (const part of [key.slice(0, 9), `${key.slice(9)} ${filler}`, key.slice(0, 20), key.slice(20)])
      response.write(part);
    response.end(`"}}]}\n\ndata: [DONE]\n\n`);
  },
  'an answer that is packed unasked': (seen, response) =>
    void response
      .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .end(gzipSync(completion(repeated(seen)))),
  'an error that is packed unasked': (seen, response) =>
    void response
      .writeHead(400, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .end(gzipSync(failed(repeated(seen)))),
  'a stream that is packed unasked': (seen, response) =>
    void response
      .writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
      .end(gzipSync(`${delta(repeated(seen))}data: [DONE]\n\n`)),
  'an answer too large to be held': (seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const key = String(seen.authorization).slice(7);
    response.write(`{"choices":[{"index":0,"message":{"role":"assistant","content":"`);
    for (let n = 0; n < 200; n++) response.write(`${'y'.repeat(65_536 - n)}${key}`);
    response.end('"}}]}');
  },
};
for (const status of [400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503])
  ANSWERS[`an error ${status} with its headers`] = (seen, response) =>
    json(status, failed(repeated(seen)), { 'x-echo-auth': String(seen.authorization), 'retry-after': '0' })(
      seen,
      response,
    );

test('a secret that can’t be told from honest text is warned of by its place, not by its value', async () => {
  const weak = await startWhole({
    config: config('short1').replace('UPSTREAM', 'http://127.0.0.1:9'),
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  try {
    const line = weak
      .logged()
      .split('\n')
      .find((each) => each.includes('too short'))!;
    assert.deepEqual(JSON.parse(line).paths, ['targets[0].api_key']);
    assert.doesNotMatch(line, /short1/);
  } finally {
    await weak.stop();
  }
});

describe('no secret is told by', () => {
  for (const [what, how] of Object.entries(ANSWERS))
    test(what, async () => {
      answer = how;
      for (const stream of [false, true]) {
        const { status, text } = await ask(stream);
        assert.ok(status >= 200, text);
      }
      if (/whole answer|pieces of three/.test(what))
        assert.match((await ask(/stream/.test(what))).text, /\[REDACTED\]/);
    });

  test('what is passed on without a decision', async () => {
    answer = (seen, response) =>
      json(200, JSON.stringify({ data: [], debug: repeated(seen) }), {
        'x-debug': String(seen.authorization),
      })(seen, response);
    const response = await chat(whole.url, { model: 'm', input: 'x' }, { path: '/v1/embeddings' });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    assertClean('the body', text);
    assertClean('the headers', JSON.stringify([...response.headers]));
    assert.match(text, /REDACTED/);
  });

  test('a key that came with a reload', async () => {
    const base = `http://127.0.0.1:${(upstream.address() as { port: number }).port}`;
    whole.rewrite(config(ROTATED).replace('UPSTREAM', base));
    assert.equal((await whole.router.reload('test')).result, 'applied');
    answer = ANSWERS['an error 400 with its headers']!;
    assert.match((await ask(false)).text, /REDACTED/);
  });

  test('the log, in no line of all this', async () => {
    await eventually('an upstream’s words are logged', () =>
      /the upstream ended it with an error/.test(whole.logged()),
    );
    assertClean('the log', whole.logged());
    assert.match(whole.logged(), /REDACTED/);
    for (const line of whole.logged().trim().split('\n')) JSON.parse(line);
  });
});
