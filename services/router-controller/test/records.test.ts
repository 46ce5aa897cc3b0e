/** Spend and decisions of a whole router, in files and in a store: one row a request, and together what the ledger charged. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { hashKey } from '../src/authenticate/index.ts';
import type { SpendRecord } from '../src/settle/index.ts';
import { chat, favour, sample, scriptedClassifier, startWhole, user } from './harness.ts';
import { S3_KEY, startS3 } from './s3-receiver.ts';

const LABELS = ['A', 'B'];
const KEY = 'sk-llmr-key-of-a-client-0123456789';
const PROMPT = 'the plan that nobody is to know';

const rowsOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as SpendRecord);

test('a row a request with tenant, key, target, tokens, USD and label, the same in the file and in the store', async () => {
  const store = await startS3();
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-records-'));
  const whole = await startWhole({
    config: `
targets: [{ name: llm, api_base: "{LLM}", model: m, price: { input: 100, output: 1000 }, passes: [/v1/embeddings] }]
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }]
default_policy: one
auth: { keys: [{ id: client, tenant: acme, hash: "${hashKey(KEY)}" }] }
decision_log: { path: ${join(folder, 'decisions.jsonl')} }
spend_log: { path: ${join(folder, 'spend.jsonl')} }
object_store: { endpoint: "${store.url}", bucket: records, region: ${S3_KEY.region}, access_key_id: ${S3_KEY.id}, secret_access_key: "${S3_KEY.secret}", logs: [spend, decisions] }
`,
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'B')),
  });
  try {
    const headers = { authorization: `Bearer ${KEY}` };
    const ask = (body: object, path?: string) =>
      chat(whole.url, body, { headers, ...(path !== undefined && { path }) }).then((response) =>
        response.text(),
      );
    await ask({ model: 'one', messages: user(PROMPT) });
    await ask({ model: 'one', stream: true, messages: user(PROMPT) });
    await ask({ model: 'm', input: PROMPT }, '/v1/embeddings');
    await whole.stop();

    const file = rowsOf(readFileSync(join(folder, 'spend.jsonl'), 'utf8'));
    assert.equal(file.length, 3);
    const [plain, streamed, passed] = file;
    for (const row of [plain!, streamed!]) {
      assert.deepEqual(
        [row.tenant, row.key, row.policy, row.label, row.entry, row.target, row.model, row.status],
        ['acme', 'client', 'one', 'B', 'B', 'llm', 'm', 200],
      );
      assert.ok(row.input_tokens > 0 && row.output_tokens > 0);
      assert.equal(row.usage_source, 'upstream');
      const cost = (row.input_tokens * 100 + row.output_tokens * 1000) / 1e6;
      assert.ok(Math.abs(row.cost_usd! - cost) < 1e-12);
    }
    assert.deepEqual(
      [passed!.policy, passed!.label, passed!.target, passed!.key],
      [null, null, 'llm', 'client'],
    );
    const charged = await sample(whole.metrics, 'llm_router_tenant_cost_usd_total', { tenant: 'acme' });
    const told = file.reduce((sum, { cost_usd }) => sum + (cost_usd ?? 0), 0);
    assert.ok(Math.abs(charged - told) < 1e-12, `${charged} charged, ${told} told`);

    assert.deepEqual(store.problems, []);
    const put = [...store.objects].map(([name, { body }]) => [name, gunzipSync(body).toString()] as const);
    const of = (log: string) =>
      put
        .filter(([name]) => name.startsWith(`/records/${log}/`))
        .map(([, text]) => text)
        .join('');
    assert.equal(of('spend'), readFileSync(join(folder, 'spend.jsonl'), 'utf8'));
    assert.equal(of('decisions'), readFileSync(join(folder, 'decisions.jsonl'), 'utf8'));
    for (const [, text] of put) assert.ok(!text.includes(PROMPT) && !text.includes(KEY));
    assert.equal(
      await sample(whole.metrics, 'llm_router_object_store_lines_total', { result: 'written' }),
      5,
    );
    assert.equal(await sample(whole.metrics, 'llm_router_spend_log_lines_total', { result: 'written' }), 3);
    assert.ok(!whole.logged().includes(S3_KEY.secret));
  } finally {
    await whole.stop();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
