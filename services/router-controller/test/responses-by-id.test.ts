/** A response lives on the target that made it: found by its id, gone on from, and nobody else’s. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import OpenAI from 'openai';
import { hashKey } from '../src/authenticate/index.ts';
import { dialectsWorld, events, json, RESPONSE } from './dialects-world.ts';
import { favour, scriptedClassifier, startWhole } from './harness.ts';

const w = dialectsWorld();

describe('responses by their id', () => {
  const stored = () => {
    w.respond = ({ method, path, body }) => {
      if (method === 'POST' && path === '/v1/responses') {
        const { previous_response_id = null } = body;
        return json({
          ...RESPONSE,
          id: previous_response_id ? 'resp_native2' : 'resp_native1',
          previous_response_id,
        });
      }
      if (path === '/v1/responses/resp_native1/input_items') return json({ object: 'list', data: [] });
      if (method === 'DELETE') return json({ id: 'resp_native1', object: 'response.deleted', deleted: true });
      return path.startsWith('/v1/responses/resp_native1') ? json(RESPONSE) : null;
    };
  };

  test('are asked of the target that made them, under the id that the client was told', async () => {
    stored();
    const first = await w.openai.responses.create({ model: 'Both', input: 'x' });
    assert.match(first.id, /^resp_lr1/);
    for (const [method, path, ask] of [
      ['GET', '', () => w.openai.responses.retrieve(first.id)],
      ['POST', '/cancel', () => w.openai.responses.cancel(first.id)],
    ] as const) {
      assert.equal((await ask()).id, first.id);
      assert.deepEqual([w.seen().method, w.seen().path], [method, `/v1/responses/resp_native1${path}`]);
      assert.equal(w.seen().headers['x-api-key'], 'upstream-key');
    }
    assert.deepEqual((await w.openai.responses.inputItems.list(first.id)).data, []);
    await w.openai.responses.delete(first.id);
    assert.deepEqual([w.seen().method, w.seen().path], ['DELETE', '/v1/responses/resp_native1']);
  });

  test('are gone on from where they live, whatever the classifier says of the next words', async () => {
    stored();
    const first = await w.openai.responses.create({ model: 'Both', input: 'x' });
    w.whole.llms.seen.length = 0;
    const second = await w.openai.responses.create({
      model: 'auto',
      input: 'more',
      previous_response_id: first.id,
    });
    assert.deepEqual(
      w.whole.llms.seen.map(({ path, body }) => [path, body.model]),
      [['/v1/responses', 'both']],
    );
    assert.equal(w.seen().body.previous_response_id, 'resp_native1');
    assert.equal(second.previous_response_id, first.id);
    assert.match(second.id, /^resp_lr1/);
    assert.notEqual(second.id, first.id);
  });

  test('the preview tells the target that they are gone on from at, and refuses what the call refuses', async () => {
    stored();
    const first = await w.openai.responses.create({ model: 'Both', input: 'x' });
    const preview = (id: string) =>
      w.openai.post('/route', { body: { model: 'auto', input: 'more', previous_response_id: id } });
    const { target, fallbacks } = (await preview(first.id)) as { target: string; fallbacks: string[] };
    assert.deepEqual([target, fallbacks], ['both', []]);
    for (const ask of [
      () => preview('resp_unknown'),
      () => w.openai.responses.create({ model: 'auto', input: 'm', previous_response_id: 'resp_unknown' }),
    ])
      await assert.rejects(ask, ({ status, code }: InstanceType<typeof OpenAI.APIError>) => {
        assert.deepEqual([status, code], [404, 'response_not_found']);
        return true;
      });
  });

  test('a stream’s events all tell the id that can be asked for', async () => {
    const event = (data: { type: string }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
    const text =
      event({ type: 'response.created', response: { ...RESPONSE, output: [] } } as never) +
      event({ type: 'response.output_text.delta', delta: 'x' } as never) +
      event({ type: 'response.completed', response: RESPONSE } as never);
    w.respond = () => events(text.slice(0, 40), text.slice(40));
    const ask = (store?: boolean) =>
      fetch(`${w.whole.url}/v1/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'Both', stream: true, input: 'x', store }),
      });
    const got = await (await ask()).text();
    const ids = [...got.matchAll(/"id":"(resp_\w[\w-]*)"/g)].map(([, id]) => id);
    assert.equal(ids.length, 2);
    assert.equal(new Set(ids).size, 1);
    assert.equal(got.replaceAll(ids[0]!, 'resp_native1'), text);
    // What is not stored can't be asked for again: its bytes are the target's.
    assert.equal(await (await ask(false)).text(), text);
  });

  test('others’ ids, translated answers’ ids and made up ones are not known', async () => {
    const translated = await w.openai.responses.create({ model: 'Chatty', input: 'x' });
    w.whole.llms.seen.length = 0;
    for (const id of [translated.id, 'resp_native1', 'resp_lr1AAAAAAAAAAAAAAAAAAAAAAAApnative1']) {
      await assert.rejects(w.openai.responses.retrieve(id), OpenAI.NotFoundError);
      await assert.rejects(w.openai.responses.delete(id), OpenAI.NotFoundError);
      await assert.rejects(
        w.openai.responses.create({ model: 'Both', input: 'x', previous_response_id: id }),
        OpenAI.NotFoundError,
      );
    }
    assert.equal(w.whole.llms.seen.length, 0);
  });
});

describe('whose responses they are', () => {
  const KEYS = ['ann', 'bob', 'cut'].map((name) => `${name}-0123456789abcdef`);
  const config = (more: string) => `
auth:
  mode: required
  keys:
    - { id: ann, tenant: a, hash: '${hashKey(KEYS[0]!)}' }
    - { id: bob, tenant: b, hash: '${hashKey(KEYS[1]!)}' }
    - { id: cut, tenant: a, hash: '${hashKey(KEYS[2]!)}', targets: [chatty] }
targets:
  - { name: chatty, api_base: '{LLM}', model: chatty }
  - { name: both, api_base: '{LLM}', model: both, apis: [responses]${more} }
default_policy: p
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    llms: [{ name: Chatty, target: chatty }, { name: Both, target: both }]
`;
  const start = async (more: string) => {
    const labels = ['Chatty', 'Both'];
    const router = await startWhole({
      config: config(more),
      standIns: false,
      connect: () => scriptedClassifier(labels, () => favour(labels, 'Both')),
      llms: { respond: ({ path }) => (path.startsWith('/v1/responses') ? json(RESPONSE) : null) },
    });
    const clients = KEYS.map((apiKey) => new OpenAI({ apiKey, baseURL: `${router.url}/v1`, maxRetries: 0 }));
    return { router, clients };
  };

  test('a tenant’s own, by keys that may use the target; of others nothing is told', async () => {
    const { router, clients } = await start('');
    try {
      const [ann, bob, cut] = clients as [OpenAI, OpenAI, OpenAI];
      const { id } = await ann.responses.create({ model: 'auto', input: 'x' });
      assert.equal((await ann.responses.retrieve(id)).id, id);
      for (const other of [bob, cut]) {
        await assert.rejects(other.responses.retrieve(id), OpenAI.NotFoundError);
        await assert.rejects(other.responses.delete(id), OpenAI.NotFoundError);
        await assert.rejects(
          other.responses.create({ model: 'auto', input: 'x', previous_response_id: id }),
          OpenAI.NotFoundError,
        );
      }
      // A chat request does not go to a target that speaks only another API.
      const { response } = await ann.chat.completions
        .create({ model: 'auto', messages: [{ role: 'user', content: 'x' }] })
        .withResponse();
      assert.equal(response.headers.get('x-llm-router-model'), 'chatty');
    } finally {
      await router.stop();
    }
  });

  test('where a target’s `passes` take them, ids that were not given here go to it as they are', async () => {
    const { router, clients } = await start(", passes: ['/v1/responses/*']");
    try {
      const [ann, , cut] = clients as [OpenAI, OpenAI, OpenAI];
      assert.equal((await ann.responses.retrieve('resp_native1')).id, 'resp_native1');
      await ann.responses.create({ model: 'auto', input: 'x', previous_response_id: 'resp_native1' });
      assert.equal(router.llms.seen.at(-1)!.body.previous_response_id, 'resp_native1');
      await assert.rejects(cut.responses.retrieve('resp_native1'), OpenAI.APIError);
    } finally {
      await router.stop();
    }
  });
});
