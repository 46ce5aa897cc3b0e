/** Looking at decisions from the command line: without a router, against one, and what a chat with one shows. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { freePort } from '../../../scripts/parts/process.ts';
import {
  ROUTER_CONFIG,
  startClassifier,
  startWhole,
  type Whole,
} from '../../router-controller/test/harness.ts';
import { runCommand } from './run-command.ts';

const CODE = 'Write a Python function that reverses a linked list';

let classifier: Awaited<ReturnType<typeof startClassifier>>;
let whole: Whole;
before(async () => {
  classifier = await startClassifier();
  whole = await startWhole({ config: ROUTER_CONFIG, classifierUrl: `grpc://${classifier.grpc}` });
});
after(async () => {
  await whole.stop();
  await classifier.close();
});

/** Without what differs from run to run. */
const steady = ({
  ms: _ms,
  conversation: _key,
  cached: _cached,
  stay: _stay,
  ...told
}: Record<string, unknown>) => told;

test('without a router: the decision is the one that a router makes', async () => {
  const here = await runCommand(['route', '--json', CODE]);
  assert.equal(here.code, 0, here.err);
  const there = await runCommand(['route', '--json', '--url', `${whole.url}/v1`, CODE]);
  assert.equal(there.code, 0, there.err);
  const told = JSON.parse(here.out);
  assert.equal(told.label, 'Code Generation');
  const { scores, ...rest } = steady(told);
  const { scores: others, ...theirs } = steady(JSON.parse(there.out));
  assert.deepEqual(
    { ...rest, confidence: Number((rest.confidence as number).toFixed(3)) },
    { ...theirs, confidence: Number((theirs.confidence as number).toFixed(3)) },
  );
  assert.deepEqual(Object.keys(scores as object), Object.keys(others as object));
});

test('in words, with all scores, and for a whole file', async () => {
  const short = await runCommand(['route', '--url', whole.url, CODE]);
  assert.match(short.out, /^model +\S+ \(target deepseek-r1\)\nlabel +Code Generation \(\d+\.\d %\)\n/);
  const why = await runCommand(['route', '--why', '--url', whole.url, '--policy', 'complexity_router', CODE]);
  assert.match(why.out, /what was classified\n {2}“Write a Python/);
  assert.equal([...why.out.matchAll(/^ {2}[\w-]+ +[█·]+ +\d+\.\d %$/gm)].length, 7);
  const list = await runCommand(['route', '--json', '--url', whole.url, '-'], {
    input: JSON.stringify([
      { input: CODE },
      { messages: [{ role: 'user', content: 'hi' }], model: 'nobody' },
    ]),
  });
  const [first, second] = list.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(first.label, 'Code Generation');
  assert.match(second.error.message, /Model not found: nobody/);
  assert.equal(list.code, 1);
});

test('a chat shows its decision beside the answer, which comes alone on standard output', async () => {
  const { code, out, err } = await runCommand(['chat', '--url', whole.url, CODE]);
  assert.equal(code, 0, err);
  assert.match(out, /^This is a stand-in for \S+, not the model itself\..*\n$/);
  assert.match(err, /label +Code Generation/);
  assert.match(err, /\d+ tokens in, \d+ out, first token after \d+ ms/);
  const told = JSON.parse(
    (await runCommand(['chat', '--json', '--url', whole.url, '-'], { input: CODE })).out,
  );
  assert.equal(told.decision.label, 'Code Generation');
  assert.equal(`${told.text}\n`, out);
  assert.ok(told.usage.completion_tokens > 0 && told.first_token_ms >= 0);
});

test('top tells what came in one interval', async () => {
  let isOver = false;
  const top = runCommand(['top', '--url', whole.url, '--every', '2', '--once', '--json']).finally(() => {
    isOver = true;
  });
  // Before, within and after the interval, whenever that begins.
  while (!isOver) {
    const response = await fetch(`${whole.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: CODE }] }),
    });
    await response.text();
  }
  const { code, out, err } = await top;
  assert.equal(code, 0, err);
  const view = JSON.parse(out);
  assert.ok(view.requests_per_s > 0);
  assert.deepEqual(
    view.labels.map(({ label }: { label: string }) => label),
    ['Code Generation'],
  );
  const busy = view.targets.find(({ per_s }: { per_s: number }) => per_s > 0);
  assert.deepEqual([busy.target, busy.failed, busy.breaker], ['deepseek-r1', 0, 'closed']);
  assert.ok(busy.p50_s > 0);
});

test('what goes wrong is told in a line', async () => {
  const nobody = `http://127.0.0.1:${await freePort()}`;
  for (const [args, words] of [
    [['chat', '--url', nobody, 'x'], /nothing listens at \S+; `llm-router start` starts a router/],
    [
      ['chat', '--url', whole.url, '--model', 'task_ruter', 'x'],
      /^404: Model not found: task_ruter.*task_router/m,
    ],
    [['route', '--config', 'no-such.yaml', 'x'], /can’t be read: there is no such file/],
  ] as const) {
    const { code, err } = await runCommand(args);
    assert.equal(code, 1);
    assert.match(err, words);
    assert.doesNotMatch(err, /\n {4}at /);
  }
  assert.equal((await runCommand(['chat', '--url', 'ftp://x', 'x'])).code, 2);
});
