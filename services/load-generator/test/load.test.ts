/** The command against a real controller, its classifier and stand-in LLMs. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { programOf } from '../../bundler/src/program.ts';
import {
  eventually,
  ROUTER_CONFIG,
  startClassifier,
  startWhole,
  type Whole,
} from '../../router-controller/test/harness.ts';
import type { Report } from '../src/index.ts';

const MAIN = programOf(join(import.meta.dirname, '../src/main.ts'));

let classifier: Awaited<ReturnType<typeof startClassifier>>;
let whole: Whole;
const children: ChildProcess[] = [];
before(async () => {
  classifier = await startClassifier();
  whole = await startWhole({ config: ROUTER_CONFIG, classifierUrl: `grpc://${classifier.grpc}` });
});
after(async () => {
  await whole.stop();
  await classifier.close();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function begin(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe' });
  children.push(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (part) => {
    said.out += part;
  });
  child.stderr.on('data', (part) => {
    said.err += part;
  });
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return { child, said, exited };
}
const lastJson = (text: string): Report => JSON.parse(text.trim().split('\n').at(-1)!);

test('tells labels, models, times and tokens, as a table and as JSON', async () => {
  const { said, exited } = begin('--url', whole.url, '--rate', '30', '--seconds', '4', '--repeat', '--json');
  assert.equal(await exited, 0, said.err);
  const report = lastJson(said.out);
  assert.equal(said.out.trim().split('\n').length, 1);
  assert.deepEqual(
    [report.planned, report.sent + report.not_sent, report.failed, report.unfinished],
    [120, 120, 0, 0],
  );
  assert.equal(report.answered, report.sent);
  assert.deepEqual(report.statuses, { 200: report.sent });
  const sum = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  assert.deepEqual([sum(report.labels), sum(report.models)], [report.sent, report.sent]);
  assert.ok(Object.keys(report.labels).length >= 10, JSON.stringify(report.labels));
  assert.ok(report.tokens.completion > 0 && report.latency_ms!.p50 > 0 && report.ttft_ms!.p50 > 0);
  assert.match(said.err, /^load on http.*30 requests\/s for 4 s \(120 in all\) of 60 prompts, repeated/);
  assert.match(said.err, /^ +\d+ s: \d+ sent, \d+ answered, 0 failed/m);
  assert.match(said.err, /^labels {2,}\w/m);
});

test('a closed loop of mixed requests gives a page and a file, and two files are compared', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-load-'));
  const file = (name: string) => join(folder, name);
  try {
    for (const name of ['a', 'b']) {
      const { said, exited } = begin(
        ...['--url', whole.url, '--loop', 'closed', '--clients', '4', '--seconds', '2', '--mix', 'real'],
        ...['--out', file(`${name}.json`), '--html', file(`${name}.html`)],
      );
      assert.equal(await exited, 0, said.err);
    }
    const report = JSON.parse(readFileSync(file('a.json'), 'utf8')) as Report;
    assert.equal(report.cost_usd, 0);
    assert.ok(report.timeline.length >= 1 && Object.keys(report.by_label).length >= 2);
    assert.match(readFileSync(file('a.html'), 'utf8'), /<h2>Labels<\/h2>/);
    const { said, exited } = begin('--compare', file('a.json'), file('b.json'), '--html', file('c.html'));
    assert.equal(await exited, 0, said.err);
    assert.match(said.out, /latency p50 .*%|latency p50 .*=/);
    assert.match(readFileSync(file('c.html'), 'utf8'), /Two load tests/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('routes by the policy that it is given', async () => {
  const { said, exited } = begin(
    ...[
      '--url',
      `${whole.url}/v1`,
      '--policy',
      'complexity_router',
      '--rate',
      '10',
      '--seconds',
      '1',
      '--json',
    ],
  );
  assert.equal(await exited, 0, said.err);
  assert.ok(Object.keys(lastJson(said.out).labels).every((label) => /^[A-Z][\w-]+$/.test(label)));
  const wrong = begin('--url', whole.url, '--policy', 'none', '--rate', '5', '--seconds', '1', '--json');
  assert.equal(await wrong.exited, 1);
  assert.deepEqual(lastJson(wrong.said.out).errors, { '404 model_not_found': 5 });
});

for (const [how, end] of [
  ['SIGTERM', (child: ChildProcess) => child.kill('SIGTERM')],
  ['the end of its parent', (child: ChildProcess) => child.stdin!.end()],
] as const) {
  test(`${how} ends it early, with the report`, async () => {
    const { child, said, exited } = begin('--url', whole.url, '--seconds', '600', '--exit-with-parent');
    await eventually('requests are sent', () => /[1-9]\d* sent/.test(said.out), 60_000);
    end(child);
    assert.equal(await exited, 0, said.err);
    assert.match(said.out, new RegExp(`^ready ${whole.url}\n`));
    assert.match(said.out, /3000 planned, \d{1,3} sent/);
  });
}

test('refuses a foreign target and wrong flags before anything is sent', async () => {
  for (const [args, words] of [
    [['--url', 'http://8.8.8.8'], /neither a loopback nor a private.*--i-own-this-target/],
    [['--rate', '501'], /--rate .* must be a number from 0.01 to 500/],
    [['--prompts', 'none.jsonl'], /none\.jsonl can’t be read: there is no such file/],
  ] as const) {
    const { said, exited } = begin(...args);
    assert.equal(await exited, 2);
    assert.match(said.err, words);
    assert.equal(said.out, '');
  }
});

test('the key is sent and never printed', async () => {
  const key = 'sk-never-printed-0123456789';
  const { said, exited } = begin('--url', whole.url, '--seconds', '1', '--key', key);
  assert.equal(await exited, 0);
  assert.ok(!(said.out + said.err).includes(key));
});
