/** Web pages: only those of listed origins may call, and what is no HTTP answer is refused by name. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { keysRequired } from '../src/authenticate/index.ts';
import { parseConfig } from '../src/config/index.ts';
import { favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const PAGE = 'https://chat.example.com';
const CONFIG = `
default_policy: p
server: { cors_origins: ['${PAGE}'] }
policies:
  - { name: p, url: 'grpc://127.0.0.1:1/m', llms: [{ name: A, api_base: '{LLM}', model: model-a }] }
`;

describe('cors', () => {
  let whole: Whole;
  before(async () => {
    whole = await startWhole({
      config: CONFIG,
      connect: () => scriptedClassifier(['A'], () => favour(['A'], 'A')),
    });
  });
  after(() => whole.stop());

  const preflight = (origin: string) =>
    fetch(`${whole.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-os',
      },
    });

  test('a preflight of a listed origin is answered, of another not', async () => {
    const listed = await preflight(PAGE);
    assert.equal(listed.status, 204);
    assert.equal(listed.headers.get('access-control-allow-origin'), PAGE);
    assert.equal(
      listed.headers.get('access-control-allow-headers'),
      'authorization,content-type,x-stainless-os',
    );
    assert.match(listed.headers.get('vary') ?? '', /origin/i);
    const other = await preflight('https://evil.example.com');
    assert.ok(other.status >= 400);
    assert.equal(other.headers.get('access-control-allow-origin'), null);
  });

  test('answers, streams and errors can be read by a listed page, with the decision', async () => {
    for (const body of [{ messages: user('hi') }, { messages: user('hi'), stream: true }, { messages: 1 }]) {
      const response = await fetch(`${whole.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { origin: PAGE, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      await response.text();
      assert.equal(response.headers.get('access-control-allow-origin'), PAGE);
      assert.match(response.headers.get('access-control-expose-headers') ?? '', /x-llm-router-label/);
    }
  });

  test('any origin is allowed only where keys are asked for', () => {
    const any = CONFIG.replace(`'${PAGE}'`, "'*'").replace('{LLM}', 'http://127.0.0.1:1');
    assert.throws(() => keysRequired(parseConfig(any, 'x.yaml').file), /cors_origins/);
    assert.equal(
      keysRequired(
        parseConfig(`${any}\nauth: { keys: [{ id: ann, hash: 'sha256:${'0'.repeat(64)}' }] }`, 'x.yaml').file,
      ),
      true,
    );
  });

  test('realtime is refused by name', async () => {
    const response = await fetch(`${whole.url}/v1/realtime?model=x`);
    assert.equal(response.status, 400);
    assert.match(await response.text(), /WebSocket/);
  });

  test('the description and its page are there without a key', async () => {
    const description = (await (await fetch(`${whole.url}/openapi.json`)).json()) as { openapi: string };
    assert.equal(description.openapi, '3.1.0');
    const page = await fetch(`${whole.url}/docs`);
    assert.match(page.headers.get('content-type') ?? '', /text\/html/);
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  });
});
