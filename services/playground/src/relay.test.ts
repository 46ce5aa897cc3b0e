import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { MAX_BODY_BYTES } from './relay.ts';
import { type Answer, KEY, postJson, type Scene, send, startScene } from './testing.ts';

let scene: Scene;
afterEach(() => scene.stop());

const ok: Answer = (_call, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"fine":true}');
};
const begin = async (answer: Answer = ok, options: Parameters<typeof startScene>[1] = {}) => {
  scene = await startScene(answer, options);
  return scene.playground.url;
};

describe('what is relayed', () => {
  test('four calls, with the server’s key and nothing of the browser’s', async () => {
    const url = await begin();
    const mine = { authorization: 'Bearer mine', cookie: 'a=b', 'x-stand-in-fault': 'refuse' };
    for (const path of ['/v1/models', '/config']) {
      assert.equal((await send(url + path, { headers: mine })).text, '{"fine":true}');
    }
    for (const path of ['/v1/chat/completions', '/v1/route']) {
      assert.equal((await postJson(url + path, { messages: [] }, mine)).status, 200);
    }
    assert.deepEqual(
      scene.seen.map(({ method, path, body }) => [method, path, body]),
      [
        ['GET', '/v1/models', ''],
        ['GET', '/config', ''],
        ['POST', '/v1/chat/completions', '{"messages":[]}'],
        ['POST', '/v1/route', '{"messages":[]}'],
      ],
    );
    for (const { headers } of scene.seen) {
      assert.equal(headers.authorization, `Bearer ${KEY}`);
      assert.deepEqual([headers.cookie, headers['x-stand-in-fault']], [undefined, undefined]);
    }
  });

  test('no other path and no other method, however it is written', async () => {
    const url = await begin();
    for (const path of [
      '/metrics',
      '/admin/keys',
      '/v1/usage',
      '/v1/completions',
      '/v1/models/',
      '/v1/models/../usage',
      '//v1/models',
      '/V1/models',
      '/%761/models',
      '/constructor',
      '/__proto__',
      'http://127.0.0.1:1/v1/models',
    ]) {
      // The path is written by hand, because a URL would be made clean before it is sent.
      const { status } = await rawGet(url, path);
      assert.equal(status, 404, path);
    }
    for (const [method, path, allow] of [
      ['GET', '/v1/chat/completions', 'POST'],
      ['POST', '/config', 'GET'],
      ['DELETE', '/v1/models', 'GET'],
      ['POST', '/', 'GET'],
      ['PUT', '/healthz', 'GET'],
    ] as const) {
      const reply = await send(url + path, { method });
      assert.deepEqual([reply.status, reply.headers.allow], [405, allow], `${method} ${path}`);
    }
    assert.deepEqual(scene.seen, []);
  });

  test('a query goes nowhere', async () => {
    const url = await begin();
    await send(`${url}/config?as=admin`);
    assert.equal(scene.seen[0]!.path, '/config');
  });

  for (const under of ['/gate', '/gate/', '/gate/v1', '/gate/v1/']) {
    test(`a router under a path of its own is found there (${under})`, async () => {
      const url = await begin(ok, { under });
      await send(`${url}/config`);
      await send(`${url}/v1/models`);
      assert.deepEqual(
        scene.seen.map(({ path }) => path),
        ['/gate/config', '/gate/v1/models'],
      );
    });
  }
});

describe('bodies', () => {
  test('over the limit are refused with 413, and only JSON is taken', async () => {
    const url = await begin();
    const large = await postJson(`${url}/v1/route`, { prompt: 'x'.repeat(MAX_BODY_BYTES) });
    assert.equal(large.status, 413);
    assert.equal(JSON.parse(large.text).error.code, 'request_too_large');
    const fits = await postJson(`${url}/v1/route`, { prompt: 'x'.repeat(MAX_BODY_BYTES - 20) });
    assert.equal(fits.status, 200);
    for (const type of ['text/plain', 'application/jsonx', '']) {
      const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
      const reply = await send(`${url}/v1/route`, { method: 'POST', headers, body: '{}' });
      assert.equal(reply.status, 415, type);
    }
    assert.equal(scene.seen.length, 1);
  });
});

describe('answers', () => {
  test('stream through as they come, not when they are whole', async () => {
    let go = () => {};
    const url = await begin((_call, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      const parts = ['data: 1\n\n', 'data: 2\n\n'];
      go = () => {
        const part = parts.shift();
        if (part) response.write(part);
        else response.end();
      };
    });
    // Each part is written only after the one before has arrived, headers first: a buffer anywhere would hang this.
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    const reader = response.body!.getReader();
    const read = async () => Buffer.from((await reader.read()).value ?? []).toString();
    for (const wanted of ['data: 1\n\n', 'data: 2\n\n', '']) {
      go();
      assert.equal(await read(), wanted);
    }
  });

  test('carry the router’s decision, error and waiting time, and none of its other headers', async () => {
    const url = await begin((_call, response) => {
      response
        .writeHead(429, {
          'content-type': 'application/json',
          'retry-after': '7',
          'x-request-id': 'req_1',
          'x-chosen-classifier': 'Chatbot',
          'x-llm-router-confidence': '0.5000',
          'set-cookie': 'a=b',
          'access-control-allow-origin': '*',
          'x-internal': KEY,
        })
        .end('{"error":{"message":"slow down"}}');
    });
    const { status, headers, text } = await send(`${url}/v1/models`);
    assert.equal(status, 429);
    assert.equal(text, '{"error":{"message":"slow down"}}');
    assert.deepEqual(
      [headers['retry-after'], headers['x-request-id'], headers['x-chosen-classifier']],
      ['7', 'req_1', 'Chatbot'],
    );
    assert.equal(headers['x-llm-router-confidence'], '0.5000');
    for (const name of ['set-cookie', 'access-control-allow-origin', 'x-internal'])
      assert.equal(headers[name], undefined, name);
    assert.ok(!JSON.stringify(headers).includes(KEY));
  });

  test('of other types than JSON and streams are shown as plain text', async () => {
    const url = await begin((_call, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<script>alert(1)</script>');
    });
    const { headers } = await send(`${url}/config`);
    assert.equal(headers['content-type'], 'text/plain');
    assert.equal(headers['x-content-type-options'], 'nosniff');
  });

  test('that break off do not look whole', async () => {
    const url = await begin((_call, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n', () => response.destroy());
    });
    await assert.rejects(postJson(`${url}/v1/chat/completions`, {}));
  });

  test('without a router are a 502 that says so and tells no key', async () => {
    const url = await begin(ok, { router: new URL('http://127.0.0.1:9') });
    const { status, text } = await send(`${url}/config`);
    assert.equal(status, 502);
    const { error } = JSON.parse(text);
    assert.equal(error.code, 'router_unreachable');
    assert.match(error.message, /http:\/\/127\.0\.0\.1:9.*ECONNREFUSED.*LLM_ROUTER_URL/);
    assert.ok(!text.includes(KEY));
    assert.deepEqual(scene.logged, []);
  });
});

describe('a browser that goes away', () => {
  for (const when of ['before the answer', 'in the middle of it'] as const) {
    test(`${when} ends the call to the router`, async () => {
      const url = await begin((_call, response) => {
        if (when === 'before the answer') return;
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: 1\n\n');
      });
      const leaving = new AbortController();
      const asked = fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
        signal: leaving.signal,
      });
      asked.catch(() => {});
      if (when === 'before the answer') while (scene.seen.length === 0) await new Promise(setImmediate);
      else await (await asked).body!.getReader().read();
      leaving.abort();
      assert.equal(await scene.seen[0]!.ended, false);
    });
  }
});

/** A GET whose path is sent exactly as it is written here. */
function rawGet(url: string, path: string): Promise<{ status: number }> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket
      .on('data', (part) => {
        text += part;
      })
      .once('error', reject)
      .once('close', () => resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]) }));
    socket.end(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  });
}
