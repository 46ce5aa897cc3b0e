/** What browsers could be made to do with a router: by a page whose name was pointed at it, or by what an upstream answers. */
import assert from 'node:assert/strict';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { hashKey } from '../src/authenticate/index.ts';
import { parseConfig } from '../src/config/index.ts';
import { isAllowedHost } from '../src/http/hosts.ts';
import { chat, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['A', 'B'];
let upstream: Server;
let base: string;
let answer: (response: ServerResponse) => void = (response) => response.end('{}');
before(async () => {
  upstream = createServer((incoming, response) => {
    incoming.resume().on('end', () => answer(response));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(upstream.address() as { port: number }).port}`;
});
after(async () => {
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});

let whole: Whole;
afterEach(() => whole.stop());
async function start(more = '') {
  whole = await startWhole({
    config: `
targets:
  - { name: cheap, api_base: ["${base}", "${base}/second"], model: cheap-model, headers: { x-internal-name: gateway-of-ours }, passes: [/v1/embeddings] }
  - { name: dear, api_base: "${base}", model: dear-model, passes: [/v1/embeddings] }
policies:
  - { name: one, url: "grpc://classifier.internal:9/m", fallback: B, llms: [{ name: A, target: cheap, fallbacks: [dear] }, { name: B, target: dear }] }
  - { name: two, url: "grpc://classifier.internal:9/m", llms: [{ name: A, target: dear }, { name: B, target: dear }] }
default_policy: one
${more}`,
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  return whole.url;
}

function raw(
  url: string,
  headers: Record<string, string>,
  init: { method?: string; body?: string } = {},
): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: init.method ?? 'GET', headers });
    call.once('error', reject).once('response', (response) => {
      const parts: Buffer[] = [];
      response
        .on('data', (part: Buffer) => parts.push(part))
        .on('end', () =>
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text: Buffer.concat(parts).toString(),
          }),
        );
    });
    call.end(init.body);
  });
}
const body = JSON.stringify({ messages: user('hi') });
const post = (url: string, headers: Record<string, string>) =>
  raw(
    `${url}/v1/chat/completions`,
    { 'content-type': 'application/json', ...headers },
    { method: 'POST', body },
  );
const completion = JSON.stringify({
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
});

describe('an open router', () => {
  test('is not called by a name that somebody has pointed at it', async () => {
    answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(completion);
    const url = await start('server: { allowed_hosts: [Router.example] }');
    for (const host of [
      'evil.example',
      'evil.example:8084',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '192.168.0.7',
      '0.0.0.0',
      'a.router.example',
      'user@127.0.0.1',
      '[',
      'x'.repeat(8_000),
    ]) {
      for (const path of ['/config', '/v1/models', '/v1/usage', '/metrics', '/nothing', '/v1/embeddings']) {
        const reply = await raw(url + path, { host, origin: `http://${host.slice(0, 50)}` });
        assert.equal(reply.status, 403, `${host.slice(0, 40)} ${path}`);
        assert.equal(JSON.parse(reply.text).error.code, 'host_not_allowed');
        assert.ok(reply.text.length < 1_000);
      }
      assert.equal((await post(url, { host })).status, 403, host.slice(0, 40));
    }
    for (const host of [
      'localhost',
      'localhost:8084',
      '127.0.0.1',
      '[::1]:8084',
      'a.localhost',
      'ROUTER.example:1',
      'router.example.',
    ]) {
      assert.equal((await raw(`${url}/config`, { host })).status, 200, host);
      assert.equal((await post(url, { host })).status, 200, host);
    }
    // Who probes it may know it by another name; it tells nothing.
    for (const path of ['/livez', '/health', '/readyz'])
      assert.equal((await raw(url + path, { host: 'probe.example' })).status, 200, path);
  });

  test('off loopback is called by its addresses, and by names on the list', () => {
    const server = (more: string) =>
      parseConfig(
        `policies: [{ name: p, url: "grpc://h:1/m", llms: [{ name: A, api_base: "http://a", model: a }] }]\nserver: { host: 0.0.0.0${more} }`,
        't.yaml',
      ).file.server;
    for (const host of ['10.1.2.3:8084', '[2001:db8::1]', '127.0.0.1'])
      assert.ok(isAllowedHost(host, server('')), host);
    for (const host of ['evil.example', 'llm-router', '']) assert.ok(!isAllowedHost(host, server('')), host);
    assert.ok(isAllowedHost('llm-router:8084', server(', allowed_hosts: [llm-router]')));
    assert.ok(isAllowedHost('evil.example', server(', allowed_hosts: ["*"]')));
  });

  test('with keys is called by any name: a page has no key', async () => {
    const url = await start(`auth: { keys: [{ id: ann, hash: '${hashKey('right')}' }] }`);
    assert.equal((await raw(`${url}/config`, { host: 'any.example' })).status, 401);
    assert.equal(
      (await raw(`${url}/config`, { host: 'any.example', authorization: 'Bearer right' })).status,
      200,
    );
  });
});

test('no answer is sniffed, and an upstream’s page reaches a browser as a text', async () => {
  const url = await start();
  for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml']) {
    for (const status of [200, 400, 500]) {
      answer = (response) =>
        response
          .writeHead(status, {
            'content-type': type,
            'content-disposition': 'inline; filename=a.html',
            'clear-site-data': '"*"',
            'x-content-type-options': 'sniff-please',
            'x-accel-redirect': '/internal/secrets',
          })
          .end('<script>alert(1)</script>');
      const reply = await post(url, {});
      assert.equal(reply.headers['x-content-type-options'], 'nosniff');
      assert.match(
        String(reply.headers['content-type']),
        /^(?:text\/plain|application\/json)/,
        `${type} ${status}`,
      );
      for (const name of ['content-disposition', 'clear-site-data', 'x-accel-redirect'])
        assert.equal(reply.headers[name], undefined, name);
    }
  }
  for (const path of [
    '/config',
    '/v1/models',
    '/health',
    '/metrics',
    '/nothing',
    '/v1/route',
    '/docs',
    '/openapi.json',
  ])
    assert.equal((await raw(url + path, {})).headers['x-content-type-options'], 'nosniff', path);
});

describe('a key is told', () => {
  const keys = `auth:
  keys:
    - { id: all, hash: '${hashKey('all')}' }
    - { id: narrow, targets: [cheap], hash: '${hashKey('narrow')}' }
    - { id: other, policies: [two], hash: '${hashKey('other')}' }
admin: { port: 0, token: 0123456789-0123456789-token }
`;
  const get = async (path: string, key: string, from = whole.url) =>
    (await raw(from + path, { authorization: `Bearer ${key}` })).text;
  const INTERNAL = /127\.0\.0\.1|classifier\.internal|x-internal-name|gateway-of-ours|second/;

  test('its own part of the table by /config, and nobody’s addresses; the admin API tells them', async () => {
    await start(keys);
    const policies = async (key: string) =>
      JSON.parse(await get('/config', key)).policies.map(
        ({
          name,
          fallback,
          llms,
        }: {
          name: string;
          fallback: string;
          llms: { name: string; model: string }[];
        }) => `${name} ${fallback} ${llms.map((llm) => `${llm.name}:${llm.model}`)}`,
      );
    assert.deepEqual(await policies('all'), [
      'one B A:cheap-model,B:dear-model',
      'two null A:dear-model,B:dear-model',
    ]);
    assert.deepEqual(await policies('narrow'), ['one null A:cheap-model']);
    assert.deepEqual(await policies('other'), ['two null A:dear-model,B:dear-model']);
    for (const key of ['all', 'narrow', 'other']) assert.doesNotMatch(await get('/config', key), INTERNAL);
    assert.doesNotMatch(await get('/config', 'narrow'), /dear|two/);
    assert.doesNotMatch(await get('/config', 'other'), /cheap|"one"/);
    const whole_ = await get('/admin/config', '0123456789-0123456789-token', whole.router.adminUrl!);
    assert.match(whole_, /classifier\.internal.*x-internal-name/);
    assert.doesNotMatch(whole_, /gateway-of-ours/);
  });

  test('of no other policy or model by lists and errors', async () => {
    await start(keys);
    assert.doesNotMatch(await get('/v1/models', 'narrow'), /dear|two/);
    assert.doesNotMatch(await get('/v1/models', 'other'), /cheap|"one"/);
    const wrong: object[] = [
      { model: 'nobody' },
      { model: 'twoo' },
      { 'nim-llm-router': { policy: 'onee' } },
      { 'nim-llm-router': { policy: 'twoo' } },
    ];
    for (const [key, hidden] of [
      ['narrow', /dear|'two'|two,|, two/],
      ['other', /cheap|'one'|one,|, one/],
    ] as const)
      for (const fields of wrong) {
        const reply = await chat(
          whole.url,
          { ...fields, messages: user('hi') },
          { headers: { authorization: `Bearer ${key}` } },
        );
        const { message } = ((await reply.json()) as { error: { message: string } }).error;
        assert.ok(reply.status >= 400, message);
        assert.doesNotMatch(message, hidden, `${key} ${JSON.stringify(fields)}`);
      }
  });

  test('403 for a target that it asks for by name, in the body or by header', async () => {
    answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(completion);
    await start(keys);
    const status = async (targets: string[], headers = {}) =>
      (
        await chat(
          whole.url,
          { messages: user('hi'), ...(targets.length > 0 && { 'nim-llm-router': { targets } }) },
          { headers: { authorization: 'Bearer narrow', ...headers } },
        )
      ).status;
    assert.deepEqual(
      [await status(['cheap']), await status(['dear']), await status(['dear-model'])],
      [200, 403, 403],
    );
    assert.equal(await status([], { 'x-llm-router-targets': 'cheap,dear' }), 403);
    assert.equal(await status(['nobody']), 400);
  });

  test('403 for a model that it names and may not use, also where it would be passed on', async () => {
    answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[]}');
    await start(`${keys}passthrough: { default_target: cheap }\n`);
    const embed = async (model: string) =>
      (
        await chat(
          whole.url,
          { model, input: 'x' },
          { path: '/v1/embeddings', headers: { authorization: 'Bearer narrow' } },
        )
      ).status;
    assert.deepEqual(
      [await embed('cheap-model'), await embed('dear-model'), await embed('dear')],
      [200, 403, 403],
    );
  });
});
