/** With a default target, what the router has no name for is that target's own: paths, ids, models and bodies reach it as sent. */
import assert from 'node:assert/strict';
import { request as ask, createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { favour, scriptedClassifier, startWhole, type Whole } from './harness.ts';

interface Seen {
  readonly line: string;
  readonly coding: string | undefined;
  readonly body: Buffer;
}

const JSON_TYPE = { 'content-type': 'application/json' };

describe('what a default target takes', () => {
  let server: Server;
  let whole: Whole;
  let seen: Seen[] = [];

  before(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const coding = request.headers['content-encoding'];
      seen.push({ line: `${request.method} ${request.url}`, coding, body: Buffer.concat(chunks) });
      response.writeHead(200, JSON_TYPE).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    whole = await startWhole({
      standIns: false,
      connect: () => scriptedClassifier(['A'], () => favour(['A'], 'A')),
      config: `
default_policy: p
aliases: { gpt-4o: p }
passthrough: { default_target: account }
targets: [{ name: account, api_base: '${upstream}', model: meta/m1, apis: [chat, responses, messages] }]
policies: [{ name: p, url: 'grpc://127.0.0.1:1/m', llms: [{ name: A, target: account }] }]
`,
    });
  });
  after(async () => {
    await whole.stop();
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    seen = [];
  });

  /** Node's own client: `fetch` would respell the path. */
  const send = (method: string, path: string, headers: Record<string, string> = {}, body?: string | Buffer) =>
    new Promise<{ status: number; text: string; model: unknown }>((resolve, reject) => {
      const { hostname, port } = new URL(whole.url);
      const outgoing = ask({ hostname, port, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode!, text, model: response.headers['x-llm-router-model'] }),
        );
      });
      outgoing.on('error', reject).end(body);
    });

  const arrives = async (method: string, path: string, at = path) => {
    const { status, text } = await send(method, path);
    assert.deepEqual([status, seen.at(-1)?.line], [200, `${method} ${at}`], `${path}: ${text}`);
  };

  test('paths and ids go on in their own spelling, slashes inside ids and models that nobody has here included', async () => {
    for (const id of ['ft:gpt-4o:org::b1', 'a%20b', 'a%3Ab', 'meta%2Fllama', '%C3%A9', "x~y.z@1+a,b;c=d'"])
      for (const [method, path] of [
        ['GET', `/v1/models/${id}`],
        ['DELETE', `/v1/models/${id}`],
        ['GET', `/v1/responses/${id}/input_items?after=%20z`],
        ['POST', `/v1/chat/completions/${id}`],
        ['GET', `/v1/organization/projects/${id}/users/${id}?limit=1&x[]=2`],
      ] as const)
        await arrives(method, path);
    for (const path of ['/v1/files/a%2f..%2fb', '/v1/files/%2fb', '/v1/files/a%2f%2fb', '/v1/files/b%2f'])
      assert.equal((await send('GET', path)).status, 404, path);
  });

  test('the router’s own models are told by itself, aliases too', async () => {
    for (const id of ['auto', 'p', 'gpt-4o', 'meta/m1', 'meta%2Fm1'])
      assert.equal((await send('GET', `/v1/models/${id}`)).status, 200, id);
    assert.equal(seen.length, 0);
    const list = JSON.parse((await send('GET', '/v1/models')).text) as { data: { id: string }[] };
    assert.deepEqual(
      list.data.map(({ id }) => id),
      ['p', 'auto', 'gpt-4o', 'meta/m1'],
    );
  });

  test('below /v1/realtime plain HTTP passes; the WebSocket is refused by name', async () => {
    await arrives('POST', '/v1/realtime/client_secrets');
    await arrives('POST', '/v1/realtime/calls/rtc_1/hangup');
    assert.equal((await send('GET', '/v1/realtime?model=m')).status, 400);
  });

  test('Azure’s spellings, and those without /v1 or with it twice, mean OpenAI’s', async () => {
    await arrives('GET', '/openai/v1/models/xx', '/v1/models/xx');
    await arrives('GET', '/openai/files?api-version=1', '/v1/files?api-version=1');
    await arrives('GET', '/openai/responses/resp_1', '/v1/responses/resp_1');
    await arrives('GET', '/v1/v1/batches', '/v1/batches');
    await arrives('POST', '/embeddings', '/v1/embeddings');
    await arrives('DELETE', '/responses/resp_1', '/v1/responses/resp_1');
  });

  test('a deployment is the model, also of a body without one and with slashes in its name', async () => {
    const chat = '"messages":[{"role":"user","content":"x"}]';
    for (const path of ['meta/m1', 'meta%2Fm1']) {
      await send(
        'POST',
        `/openai/deployments/${path}/chat/completions?api-version=1`,
        JSON_TYPE,
        `{${chat}}`,
      );
      assert.equal(seen.at(-1)!.line, 'POST /v1/chat/completions?api-version=1');
      assert.deepEqual(JSON.parse(seen.at(-1)!.body.toString()), {
        model: 'meta/m1',
        messages: [{ role: 'user', content: 'x' }],
      });
    }
    await send('POST', '/openai/deployments/embed/embeddings', JSON_TYPE, '{"input":1.0}');
    assert.equal(seen.at(-1)!.body.toString(), '{"model":"embed","input":1.0}');
    const form = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n';
    await send(
      'POST',
      '/openai/deployments/hear/audio/transcriptions',
      { 'content-type': 'multipart/form-data; boundary=b' },
      form,
    );
    assert.equal(
      seen.at(-1)!.body.toString(),
      `--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nhear\r\n${form}`,
    );
  });

  test('a model of the account stays; the target’s name becomes its model', async () => {
    const foreign = '{"input": 1.0, "model" : "text-embedding-3-small"}';
    const { model } = await send('POST', '/v1/embeddings', JSON_TYPE, foreign);
    assert.deepEqual([seen.at(-1)!.body.toString(), model], [foreign, 'text-embedding-3-small']);
    for (const body of ['{"model":null}', '{"model":5}', '{"a":1.0,"a":1e400}', '[1, 2]']) {
      await send('POST', '/v1/fine_tuning/jobs', JSON_TYPE, body);
      assert.equal(seen.at(-1)!.body.toString(), body);
    }
    await send('POST', '/v1/embeddings', JSON_TYPE, '{"model":"account"}');
    assert.equal(seen.at(-1)!.body.toString(), '{"model":"meta/m1"}');
  });

  test('a packed body that is streamed says how it is packed; one that was unpacked does not', async () => {
    const part = gzipSync('--b\r\ncontent-disposition: form-data; name="model"\r\n\r\naccount\r\n--b--\r\n');
    for (const type of ['application/octet-stream', 'multipart/form-data; boundary=b']) {
      await send('POST', '/v1/files', { 'content-type': type, 'content-encoding': 'gzip' }, part);
      assert.equal(seen.at(-1)!.coding, 'gzip');
      assert.deepEqual(gunzipSync(seen.at(-1)!.body), gunzipSync(part));
    }
    await send('POST', '/v1/files', { ...JSON_TYPE, 'content-encoding': 'gzip' }, gzipSync('{"a":1}'));
    assert.deepEqual([seen.at(-1)!.coding, seen.at(-1)!.body.toString()], [undefined, '{"a":1}']);
  });
});
