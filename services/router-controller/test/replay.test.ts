/** From a running controller's decision log to `npm run replay`, as a user does it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chat, favour, ROOT, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const LABELS = ['Easy', 'Hard'];
const folder = mkdtempSync(join(tmpdir(), 'llm-router-replay-'));
const log = join(folder, 'decisions.jsonl');
const config = (threshold: number) => `
decision_log: { path: '${log}' }
targets:
  - { name: small, api_base: 'http://s', api_key: '\${SMALL_KEY:-x}', model: s, price: { input: 1, output: 1 } }
  - { name: large, api_base: 'http://l', model: l, price: { input: 10, output: 10 } }
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    threshold: ${threshold}
    fallback: Easy
    llms: [{ name: Easy, target: small }, { name: Hard, target: large }]
`;

const replay = (...args: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile('npm', ['run', '-s', 'replay', '--', ...args], { cwd: ROOT }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });

describe('replay', () => {
  let whole: Whole;
  const changed = join(folder, 'changed.yaml');

  before(async () => {
    whole = await startWhole({
      config: config(0),
      connect: () =>
        scriptedClassifier(LABELS, (text) => favour(LABELS, text.includes('hard') ? 'Hard' : 'Easy', 0.8)),
    });
    for (let i = 0; i < 10; i++) {
      const content = i < 4 ? `hard secret ${i}` : `easy ${i}`;
      await (await chat(whole.url, { model: 'p', messages: user(content), stream: i % 2 === 0 })).text();
    }
    await whole.stop();
    // A score that an answer was given later is no decision.
    appendFileSync(log, '{"type":"feedback","request_id":"r","score":1}\n');
    writeFileSync(changed, config(0.9));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('says how many requests go elsewhere, and what that costs', async () => {
    assert.doesNotMatch(readFileSync(log, 'utf8'), /secret/);
    const { code, out, err } = await replay('--log', log, '--config', changed, '--json');
    assert.equal(code, 0, err);
    assert.match(out, /another target\s+4 \(40\.0 %\)/);
    assert.match(out, /p: large → small\s+4/);
    const told = JSON.parse(out.trim().split('\n').at(-1)!);
    assert.equal(told.requests, 10);
    assert.equal(told.priced, 10);
    assert.ok(told.cost_after_usd < told.cost_before_usd && told.cost_after_usd > 0, out);
  });

  test('a torn last line is left out and told; one in the middle, or another file, is refused with its place', async () => {
    appendFileSync(log, '{"time":"2026');
    const { code, out } = await replay('--log', log, '--config', changed);
    assert.equal(code, 0);
    assert.match(out, /1 torn line/);
    appendFileSync(log, '\n{}\n');
    const torn = await replay('--log', log, '--config', changed);
    assert.equal(torn.code, 1);
    assert.match(torn.err, /decisions\.jsonl:12: not JSON/);
    const other = join(folder, 'other.jsonl');
    writeFileSync(other, '{"a":1}\n');
    assert.match((await replay('--log', other, '--config', changed)).err, /other\.jsonl:1: no 'policy'/);
    assert.match((await replay('--log', 'nowhere.jsonl', '--config', changed)).err, /no such file/);
  });
});
