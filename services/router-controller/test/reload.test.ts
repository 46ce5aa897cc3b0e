/** A changed configuration comes into force whole and at once, or not at all, and no request notices. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
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

const LABELS = ['A', 'B'];
/** Both models change together, so an answer that mixes two versions would be seen. */
const table = (version: number | string, policy = 'p', label = 'B') => `
default_policy: ${policy}
server: { shutdown_grace_ms: 300 }
policies:
  - name: ${policy}
    url: grpc://127.0.0.1:1/m
    fallback: A
    llms:
      - { name: A, api_base: '{LLM}', model: model-a-${version} }
      - { name: ${label}, api_base: '{LLM}', model: model-b-${version} }
`;
const BROKEN = ['policies: [', table('x').replace('llms', 'lms'), table('x', 'p', 'Bee')];

describe('reload', () => {
  let whole: Whole;
  const state = () => sample(whole.metrics, 'llm_router_config_last_reload_successful');
  const count = (result: string) => sample(whole.metrics, 'llm_router_config_reloads_total', { result });
  const model = async () =>
    (await chat(whole.url, { messages: user('hi') })).headers.get('x-llm-router-model');

  before(async () => {
    whole = await startWhole({
      config: table(0),
      connect: () => scriptedClassifier(LABELS, (text) => favour(LABELS, text.includes('b') ? 'B' : 'A')),
      llms: {
        fault: ({ body }) =>
          JSON.stringify(body.messages).includes('DRIP') ? { kind: 'slow-drip', ms: 100 } : null,
      },
      watch: true,
    });
  });
  after(() => whole.stop());

  test('a new file is in force by itself', async () => {
    assert.equal(await state(), 1);
    assert.equal(await model(), 'model-a-0');
    whole.rewrite(table(1));
    await eventually('the new table decides', async () => (await model()) === 'model-a-1');
    assert.equal(await state(), 1);
  });

  test('a bad file changes nothing and is told with path and reason', async () => {
    const expected = [/not YAML/, /policies\[0\]\.lms: unknown key.*llms/, /'Bee'/];
    for (const [index, bad] of BROKEN.entries()) {
      const before = await count('refused');
      whole.rewrite(bad);
      await eventually('the file is refused', async () => (await count('refused')) > before);
      assert.equal(await state(), 0);
      assert.equal(await model(), 'model-a-1');
      const line = whole
        .logged()
        .trim()
        .split('\n')
        .findLast((text) => text.includes('refused'))!;
      assert.match(JSON.parse(line).problem, expected[index]!);
    }
    whole.rewrite(table(2));
    await eventually('the mended file is in force', async () => (await state()) === 1);
    assert.equal(await model(), 'model-a-2');
  });

  test('a file that has lost its keys opens no door, one that asks for it does', async () => {
    const key = `auth: { keys: [{ id: ann, hash: 'sha256:${'a'.repeat(64)}' }] }\n`;
    const status = async () => (await chat(whole.url, { messages: user('hi') })).status;
    assert.equal(await status(), 200, 'open on loopback: there never was a key');
    whole.rewrite(table(2) + key);
    assert.equal((await whole.router.reload('test')).result, 'applied');
    assert.equal(await status(), 401);
    for (const lost of ['', 'auth: { keys: [] }\n', 'auth: {}\n']) {
      whole.rewrite(`${table(2)}${lost}# ${lost.length}\n`);
      const { result, problem } = await whole.router.reload('test');
      assert.deepEqual([result, await status()], ['refused', 401], lost);
      assert.match(problem!, /would let everybody in.*auth\.mode: open/);
    }
    whole.rewrite(`${table(2)}auth: { mode: open }\n`);
    assert.equal((await whole.router.reload('test')).result, 'applied');
    assert.equal(await status(), 200);
    whole.rewrite(table(2));
    assert.equal((await whole.router.reload('test')).result, 'applied', 'from open to open');
    await eventually(
      'what stands there is in force',
      async () => (await sample(whole.metrics, 'llm_router_config_differs_since_timestamp_seconds')) === 0,
    );
  });

  test('a request in flight ends on the table it began with', async () => {
    const response = await chat(whole.url, { messages: user('DRIP'), stream: true });
    whole.rewrite(table(3, 'renamed'));
    await eventually('the new table is in force', async () => (await model()) === 'model-a-3');
    assert.equal(response.headers.get('x-llm-router-model'), 'model-a-2');
    assert.match(await response.text(), /data: \[DONE\]/);
  });

  test('reload() by hand tells what it did, and what waits for a restart', async () => {
    assert.equal((await whole.router.reload('test')).result, 'unchanged');
    whole.rewrite(table(4).replace('shutdown_grace_ms', 'body_limit_bytes: 99999, shutdown_grace_ms'));
    const { result, needRestart } = await whole.router.reload('test');
    assert.deepEqual([result, needRestart], ['applied', ['server.body_limit_bytes']]);
  });

  test('a hundred files, good and bad, under load: every answer is right, none is lost', async () => {
    let newest = 100;
    let asked = 0;
    let done = false;
    const client = async (stream: boolean) => {
      while (!done) {
        const floor = newest;
        const response = await chat(whole.url, {
          model: 'auto',
          messages: user(asked % 2 ? 'a' : 'b'),
          stream,
        });
        const text = await response.text();
        assert.equal(response.status, 200, text);
        const [, version] = /^model-[ab]-(\d+)$/.exec(response.headers.get('x-llm-router-model')!)!;
        // At most the swap under way is not yet seen.
        assert.ok(Number(version) >= Math.min(floor, newest) - 1, `${version} after ${floor}`);
        if (stream) assert.match(text, /data: \[DONE\]/);
        asked++;
      }
    };
    whole.rewrite(table(newest));
    await whole.router.reload('test');
    const clients = [client(false), client(true), client(false), client(true)];
    const results = { applied: 0, refused: 0, unchanged: 0 };
    for (let turn = 0; turn < 100; turn++) {
      if (turn % 3 === 2) {
        whole.rewrite(BROKEN[turn % BROKEN.length]!);
        assert.equal((await whole.router.reload('test')).result, 'refused');
        results.refused++;
        continue;
      }
      whole.rewrite(table(newest + 1));
      // The watcher may have been first.
      const { result } = await whole.router.reload('test');
      assert.notEqual(result, 'refused');
      newest++;
      results[result]++;
    }
    done = true;
    await Promise.all(clients);
    assert.equal(results.refused, 33);
    assert.ok(asked > 50, `only ${asked} requests while the files were swapped`);
    assert.equal(await sample(whole.metrics, 'llm_router_in_flight'), 0);
  });
});
