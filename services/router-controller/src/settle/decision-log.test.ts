/** The decision log keeps what a replay needs, keeps prompts out, and never holds a request up. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, test } from 'node:test';
import { parseConfig } from '../config/index.ts';
import { createLog, createMetrics } from '../observe/index.ts';
import type { RoutedRequest } from '../request.ts';
import { understand } from '../understand/index.ts';
import { type DecisionRecord, decisionOf } from './decision-log.ts';
import { FileLines } from './records/file-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'llm-router-decisions-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const config = parseConfig(
  'policies: [{ name: p, url: "grpc://h:1/m", llms: [{ name: A, api_base: "http://a", model: a }] }]',
  't.yaml',
);
const policy = config.table.policies.get('p')!;
const entry = policy.entries.get('A')!;

function request(content: string): RoutedRequest {
  const decision = { entry, policy, label: 'A', confidence: 0.75, scores: { A: 0.75, B: 0.25 } };
  const body = { messages: [{ role: 'user', content }], tools: [{ type: 'function' }] };
  const { prompt, identity } = config.file;
  return {
    id: 'req_1',
    config,
    policy,
    body,
    facts: understand({ body, path: '/v1/chat/completions', headers: {} }, { prompt, identity }),
    extension: { policy: 'p', strategy: 'triton', model: null, threshold: null },
    caller: { id: 'k', tenant: 't', policies: null, targets: null },
    decision: { ...decision, extraScores: null, reason: 'classified', modelVersion: '1' },
    outcome: { target: entry.routes[0]!.target, usage: null },
  } as unknown as RoutedRequest;
}

function decisionLog(
  name: string,
  {
    text = 'hash',
    embedding = false,
    ...more
  }: { text?: 'hash' | 'full'; embedding?: boolean; max_bytes?: number; keep?: number } = {},
) {
  const path = join(folder, name);
  const metrics = createMetrics();
  const told: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      told.push(String(chunk));
      done();
    },
  });
  const log = createLog({ level: 'info', stream });
  const file = new FileLines({
    path,
    max_bytes: 1e6,
    keep: 2,
    ...more,
    what: 'decision log',
    count: (result, lines) => metrics.decisionLog.inc({ result }, lines),
    log,
  });
  const made = {
    note: (noted: RoutedRequest, status: number, cost: number | null) =>
      file.add(JSON.stringify(decisionOf(noted, status, cost, { text, embedding }))),
    flush: () => file.close(),
  };
  const lines = (file = path) =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as DecisionRecord);
  const count = async (result: string) =>
    (await metrics.decisionLog.get()).values.find(({ labels }) => labels.result === result)?.value ?? 0;
  return { made, path, lines, count, told };
}

test('a line holds what the decision was made from, and the text only as a hash', async () => {
  const { made, path, lines } = decisionLog('hash.jsonl');
  made.note(request('my secret diary'), 200, 0.5);
  await made.flush();
  const [record] = lines();
  assert.equal(record!.entry, 'A');
  assert.deepEqual(record!.scores, { A: 0.75, B: 0.25 });
  assert.equal(record!.needs.tools, true);
  assert.equal(record!.cost_usd, 0.5);
  assert.equal(record!.text_chars, 15);
  assert.match(record!.text_sha256, /^[0-9a-f]{64}$/);
  assert.doesNotMatch(readFileSync(path, 'utf8'), /diary/);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('the text itself when asked for', async () => {
  const { made, lines } = decisionLog('full.jsonl', { text: 'full' });
  made.note(request('my diary'), 200, null);
  await made.flush();
  assert.equal(lines()[0]!.text, 'my diary');
});

test('what the head saw of the text only when asked for', async () => {
  for (const embedding of [false, true]) {
    const { made, lines, path } = decisionLog(`embedding-${embedding}.jsonl`, { embedding });
    const noted = request('x');
    const seen = { of: 'encoder', f16: 'ADw=' };
    made.note({ ...noted, decision: { ...noted.decision!, embedding: seen } }, 200, null);
    await made.flush();
    assert.deepEqual(lines()[0]!.embedding, embedding ? seen : undefined);
    assert.equal(/ADw=/.test(readFileSync(path, 'utf8')), embedding);
  }
});

test('lines come in order, and a full file makes room', async () => {
  const { made, path, lines, count } = decisionLog('full/rotate.jsonl', { max_bytes: 2048, keep: 1 });
  for (let i = 0; i < 20; i++) {
    made.note({ ...request('x'), id: `req_${i}` }, 200, null);
    if (i % 3 === 0) await made.flush();
  }
  await made.flush();
  assert.equal(await count('written'), 20);
  assert.ok(existsSync(`${path}.1`) && !existsSync(`${path}.2`));
  const ids = [...lines(`${path}.1`), ...lines()].map(({ request_id }) => Number(request_id.slice(4)));
  assert.deepEqual(
    ids,
    [...ids].sort((a, b) => a - b),
  );
  assert.equal(ids.at(-1), 19);
});

test('a disk that can’t be written is told once and counted, and written again when it can', async () => {
  const { made, path, count, told, lines } = decisionLog('blocked.jsonl');
  // A folder in the file's place stops root too, which file modes don't.
  mkdirSync(path);
  for (let i = 0; i < 3; i++) {
    made.note(request('x'), 200, null);
    await made.flush();
  }
  assert.equal(await count('dropped'), 3);
  assert.equal(told.length, 1);
  assert.match(told[0]!, /can’t be written.*EISDIR/);
  rmSync(path, { recursive: true });
  made.note(request('x'), 200, null);
  await made.flush();
  assert.equal(lines().length, 1);
  assert.match(told[1]!, /written again/);
});
