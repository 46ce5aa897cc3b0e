/** Scores of answers: keyed, bounded, counted against what was predicted, written down. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hashKey } from '../src/authenticate/index.ts';
import type { ModelClient } from '../src/decide/classify/model-client.ts';
import { chat, eventually, sample, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const KEYS = { blue: 'llmr_a-blue-key-for-feedback-0001', green: 'llmr_a-green-key-for-feedback-01' };
const NAMES = ['small', 'large'];

/** One policy by value, one by labels; both heads are scripted. */
function connect(): ModelClient {
  return scriptedClassifier(NAMES, () => [0.6, 0.9]);
}

describe('POST /v1/feedback', () => {
  let whole: Whole;
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-feedback-'));
  const path = join(folder, 'decisions.jsonl');
  before(async () => {
    whole = await startWhole({
      connect,
      config: `
default_policy: auto
classifier: { deadline_ms: 20000 }
decision_log: { path: '${path}' }
auth:
  keys:
    - { id: blue, tenant: blue, hash: '${hashKey(KEYS.blue)}' }
    - { id: green, tenant: green, hash: '${hashKey(KEYS.green)}' }
targets:
  - { name: small, api_base: '{LLM}', model: s, price: { input: 1, output: 1 } }
  - { name: large, api_base: '{LLM}', model: l, price: { input: 10, output: 10 } }
policies:
  - { name: auto, kind: value, url: 'grpc://127.0.0.1:1/auto', targets: [small, large], choose: { regret: 0.1 } }
  - { name: tasks, url: 'grpc://127.0.0.1:1/tasks', llms: [{ name: small, target: small }, { name: large, target: large }] }
`,
    });
  });
  after(async () => {
    await whole?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const as = (tenant: keyof typeof KEYS) => ({ authorization: `Bearer ${KEYS[tenant]}` });
  const answered = async (model = 'auto') => {
    const response = await chat(whole.url, { model, messages: user('hi') }, { headers: as('blue') });
    assert.equal(response.status, 200, await response.text());
    return response.headers.get('x-request-id')!;
  };
  const score = async (body: unknown, tenant: keyof typeof KEYS | null = 'blue') => {
    const response = await chat(whole.url, body as object, {
      path: '/v1/feedback',
      headers: tenant ? as(tenant) : {},
    });
    return {
      status: response.status,
      body: (await response.json()) as Record<string, unknown> & {
        error?: { code: string; param: string | null };
      },
    };
  };

  test('tells what was predicted, and counts both sides once a source', async () => {
    const id = await answered();
    const { status, body } = await score({ request_id: id, score: 0.25, source: 'judge' });
    assert.deepEqual(
      [status, body],
      [
        200,
        {
          object: 'feedback',
          request_id: id,
          policy: 'auto',
          target: 'large',
          score: 0.25,
          source: 'judge',
          predicted: 0.9,
          counted: true,
        },
      ],
    );
    assert.equal((await score({ request_id: id, score: 1, source: 'judge' })).body.counted, false);
    assert.equal((await score({ request_id: id, score: 1 })).body.counted, true);
    const sum = (of: string, source: string) =>
      sample(whole.metrics, 'llm_router_feedback_quality_total', {
        policy: 'auto',
        target: 'large',
        of,
        source,
      });
    assert.deepEqual(
      [await sum('scored', 'judge'), await sum('predicted', 'judge'), await sum('scored', 'user')],
      [0.25, 0.9, 1],
    );
    assert.equal(await sample(whole.metrics, 'llm_router_feedback_total', { source: 'judge' }), 1);
  });

  test('is written to the decision log, beside the decision', async () => {
    const id = await answered();
    await score({ request_id: id, score: 1, source: 'test' });
    const lines = () =>
      readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ request_id }) => request_id === id);
    await eventually('both are there', () => lines().length === 2);
    const [decision, feedback] = lines() as [
      { value: { targets: { target: string; quality: number }[]; propensity: number } },
      Record<string, unknown>,
    ];
    assert.deepEqual(
      decision.value.targets.map(({ target, quality }) => [target, quality]),
      [
        ['small', 0.6],
        ['large', 0.9],
      ],
    );
    const { time: _time, ...rest } = feedback;
    assert.deepEqual(rest, {
      type: 'feedback',
      request_id: id,
      tenant: 'blue',
      policy: 'auto',
      target: 'large',
      score: 1,
      source: 'test',
      quality: 0.9,
      propensity: 1,
    });
  });

  test('takes scores for policies of labels, too, of which nothing was predicted', async () => {
    const id = await answered('tasks');
    const { body } = await score({ request_id: id, score: 0.5 });
    assert.deepEqual([body.policy, body.predicted, body.counted], ['tasks', null, true]);
  });

  test('refuses what it does not know, and tells no tenant of another’s requests', async () => {
    const id = await answered();
    assert.equal((await score({ request_id: id, score: 1 }, null)).status, 401);
    for (const [body, tenant, status, code, param] of [
      [{ request_id: id, score: 1 }, 'green', 404, 'request_not_found', 'request_id'],
      [{ request_id: 'req_none', score: 1 }, 'blue', 404, 'request_not_found', 'request_id'],
      [{ request_id: id, score: 1.5 }, 'blue', 400, 'invalid_request', 'score'],
      [{ request_id: id, score: '1' }, 'blue', 400, 'invalid_request', 'score'],
      [{ request_id: id }, 'blue', 400, 'invalid_request', 'score'],
      [{ request_id: '', score: 1 }, 'blue', 400, 'invalid_request', 'request_id'],
      [{ request_id: id, score: 1, source: 'me' }, 'blue', 400, 'invalid_request', 'source'],
      [{ request_id: id, scores: 1 }, 'blue', 400, 'invalid_request', 'scores'],
      [[], 'blue', 400, 'invalid_request', null],
      [{ request_id: id, score: 1, source: 'x'.repeat(5_000) }, 'blue', 413, 'request_too_large', null],
    ] as const) {
      const { status: got, body: told } = await score(body, tenant);
      assert.deepEqual(
        [got, told.error?.code, told.error?.param],
        [status, code, param],
        JSON.stringify(body).slice(0, 90),
      );
    }
  });
});
