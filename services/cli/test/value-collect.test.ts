/** Collecting scored answers: command → router → upstreams that answer and judge, all but the models real. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, mock, test } from 'node:test';
import { scriptedClassifier, startWhole, type Whole } from '../../router-controller/test/harness.ts';
import { CommandError } from '../src/lib/errors.ts';
import { program } from '../src/program.ts';

const TARGETS = ['small', 'large', 'judge'];

interface Ask {
  readonly model: string;
  readonly content: string;
}

/** Which of two answers a judge is shown between its marks it takes. */
type Judge = (first: string, second: string) => string;

/** Good answers say `right`: the large one's always, the small one's where the prompt is easy. */
const answerOf = ({ model, content }: Ask) =>
  model === 'large' || content.includes('easy') ? 'right' : 'wrong';
const fair: Judge = (first, second) => {
  const [a, b] = [first === 'right', second === 'right'];
  return `I weigh them. {"better": "${a === b ? 'tie' : a ? 'A' : 'B'}"}`;
};

let judge: Judge = fair;
let calls: Ask[] = [];
let failing: (ask: Ask) => boolean = () => false;
let upstream: Server;
let whole: Whole;
let folder: string;
let config: string;

before(async () => {
  upstream = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const { model, messages } = JSON.parse(body);
    const ask = { model, content: messages.at(-1).content } as Ask;
    calls.push(ask);
    const shown = [...ask.content.matchAll(/<answer-[AB] \w+>\n([\s\S]*?)\n<\/answer/g)].map(
      ([, text]) => text!,
    );
    const content = model === 'judge' ? judge(shown[0]!, shown[1]!) : answerOf(ask);
    response.writeHead(failing(ask) ? 422 : 200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        id: 'x',
        object: 'chat.completion',
        created: 1,
        model,
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
        ...(failing(ask) && { error: { message: 'too spicy' } }),
      }),
    );
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  folder = mkdtempSync(join(tmpdir(), 'llm-router-collect-'));
  const base = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const text = `
default_policy: auto
targets:
  - { name: small, api_base: "${base}", model: small, price: { input: 1, output: 10 } }
  - { name: large, api_base: "${base}", model: large, price: { input: 10, output: 100 } }
  - { name: judge, api_base: "${base}", model: judge, price: { input: 5, output: 50 } }
  - { name: free, api_base: "${base}", model: free }
policies:
  - { name: auto, kind: value, url: "grpc://127.0.0.1:1/auto", targets: [${TARGETS}], choose: { regret: 0 }, fallback: small }
`;
  config = join(folder, 'router.yaml');
  writeFileSync(config, text);
  whole = await startWhole({
    config: text,
    standIns: false,
    connect: () => scriptedClassifier(TARGETS, () => [0.5, 0.5, 0.5]),
  });
});
after(async () => {
  await whole.stop();
  upstream.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  judge = fair;
  calls = [];
  failing = () => false;
});

const PROMPTS = Array.from({ length: 30 }, (_, at) => ({
  prompt: `${at % 2 ? 'an easy' : 'a hard'} question, number ${at}`,
  group: at % 2 ? 'easy' : 'hard',
}));

/** The command in this process: a start of Node for each would be most of the test. */
async function runHere(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const log = mock.method(console, 'log', (text: string) => {
    said.out += `${text}\n`;
  });
  const error = mock.method(console, 'error', (text: string) => {
    said.err += `${text}\n`;
  });
  try {
    await program().parseAsync(args, { from: 'user' });
    return { code: 0, ...said };
  } catch (problem) {
    if (!(problem instanceof CommandError)) throw problem;
    return { code: problem.code, out: said.out, err: said.err + problem.message };
  } finally {
    log.mock.restore();
    error.mock.restore();
  }
}

let files = 0;
/** Runs the command with files of its own. */
async function collect(
  options: readonly string[],
  { prompts = PROMPTS as readonly object[], out = join(folder, `evals-${++files}.jsonl`) } = {},
) {
  const file = join(folder, `prompts-${files}.jsonl`);
  writeFileSync(file, prompts.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const args = ['value', 'collect', '--prompts', file, '--config', config, '--url', whole.url, '--out', out];
  const ended = await runHere([...args, '--targets', 'small,large', '--json', ...options]);
  const rows = existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n').filter(Boolean) : null;
  return {
    ...ended,
    file: out,
    rows: rows?.map((line) => JSON.parse(line) as Record<string, unknown>) ?? null,
    told: ended.code === 0 ? JSON.parse(ended.out.trim().split('\n').at(-1)!) : null,
  };
}

const meanOf = (rows: readonly Record<string, unknown>[], target: string, group: string) => {
  const scores = rows
    .filter((row) => row.target === target && row.group === group)
    .map(({ score }) => score as number);
  return scores.reduce((sum, each) => sum + each, 0) / scores.length;
};

test('a judge scores in both orders against the dearest target’s answers; rows are what value:train reads', async () => {
  const { code, err, rows, told } = await collect(['--judge', 'judge', '--budget', '9']);
  assert.equal(code, 0, err);
  assert.equal(rows!.length, 60);
  assert.deepEqual(rows![0], {
    prompt: PROMPTS[0]!.prompt,
    target: 'small',
    score: 0,
    cost: (100 * 1 + 10 * 10) / 1e6,
    input_tokens: 100,
    output_tokens: 10,
    group: 'hard',
  });
  assert.deepEqual(
    ['hard', 'easy'].map((group) => [meanOf(rows!, 'small', group), meanOf(rows!, 'large', group)]),
    [
      [0, 0.5],
      [0.5, 0.5],
    ],
  );
  // 30 prompts, two answers each; the small one's judged twice; two constant answers on 20 prompts, twice each.
  assert.equal(calls.length, 60 + 60 + 80);
  const answers = (30 * 200 + 30 * 2000) / 1e6;
  assert.ok(Math.abs(told.spent_usd - (answers + (140 * 1000) / 1e6)) < 1e-9, String(told.spent_usd));
  assert.deepEqual(
    told.control.map(({ mean, prompts }: { mean: number; prompts: number }) => [mean, prompts]),
    [
      [0, 20],
      [0, 20],
    ],
  );
  assert.equal(told.stopped, null);
});

test('a judge who likes the first answer finds nobody better, and one who is taken in writes nothing', async () => {
  judge = () => '{"better": "A"}';
  const blind = await collect(['--judge', 'judge', '--budget', '9']);
  assert.deepEqual([blind.code, blind.rows], [1, null]);
  assert.match(blind.err, /the same for every prompt .* scores 0\.50 on 20 prompts.*Nothing was written/);
  assert.ok(calls.length <= 20 * 8, 'the rest of the prompts is not paid for');
  judge = (first, second) =>
    /prefers it/.test(first)
      ? '{"better": "A"}'
      : /prefers it/.test(second)
        ? '{"better":"B"}'
        : fair(first, second);
  const flattered = await collect(['--judge', 'judge', '--budget', '9']);
  assert.deepEqual([flattered.code, flattered.rows], [1, null]);
  assert.match(flattered.err, /“This answer is correct.*scores 1\.00/);
});

test('the budget stops it before it is passed; the same command with more goes on and pays nothing twice', async () => {
  // No answer costs more than 100 · 10 + 10 · 100 USD a million, but before it is there it might.
  const budget = 0.15;
  const first = await collect(['--judge', 'judge', '--budget', String(budget), '--max-tokens', '20']);
  assert.equal(first.code, 1, first.err);
  assert.match(first.err, /could be scored on \d of 20 prompts only/);
  const enough = await collect(['--judge', 'judge', '--budget', '.25', '--max-tokens', '20'], {
    out: first.file,
  });
  assert.equal(enough.code, 0, enough.err);
  assert.equal(enough.told.stopped, 'budget');
  assert.ok(enough.told.spent_usd <= 0.25 && enough.told.spent_usd > 0, String(enough.told.spent_usd));
  assert.ok(enough.rows!.length > 0 && enough.rows!.length < 60);
  const asked = calls.length;
  const rest = await collect(['--judge', 'judge', '--budget', '9'], { out: first.file });
  assert.equal(rest.told.stopped, null);
  assert.equal(rest.rows!.length, 60);
  assert.equal(calls.length, 200, `${asked} calls before`);
  assert.match(rest.err, /going on: \$0\.\d+ were spent before/);
});

test('a command scores: it reads the answer, and what it prints is the score', async () => {
  const grade = (script: string) => [
    '--score-command',
    `${process.execPath} -e '${script}'`,
    '--budget',
    '9',
  ];
  const right =
    'let t="";process.stdin.on("data",c=>t+=c).on("end",()=>{const {answer,reference}=JSON.parse(t);console.log(Number(answer===reference))})';
  const prompts = PROMPTS.map((each) => ({ ...each, reference: 'right' }));
  const made = await collect(grade(right), { prompts: prompts.slice(0, 8) });
  assert.equal(made.code, 0, made.err);
  assert.deepEqual([meanOf(made.rows!, 'small', 'hard'), meanOf(made.rows!, 'small', 'easy')], [0, 1]);
  const easy = await collect(grade('console.log(0.9)'), { prompts: prompts.slice(0, 3) });
  assert.match(easy.err, /scores 0\.90 on 3 prompts/);
  for (const [script, words] of [
    ['console.log("good")', /printed "good"; want a number from 0 \(bad\) to 1/],
    ['console.log(7)', /printed "7"/],
    [
      'process.stdin.on("end",()=>{console.error("no model");process.exit(3)}).resume()',
      /ended with 3: no model/,
    ],
  ] as const) {
    const { code, err, rows } = await collect(grade(script), { prompts: prompts.slice(0, 3) });
    assert.deepEqual([code, rows], [1, null]);
    assert.match(err, words);
  }
});

test('an answer that can’t be had is left out and tried again; many in a row end it', async () => {
  failing = ({ model, content }) => model === 'small' && content.includes('number 7');
  const some = await collect(['--judge', 'judge', '--budget', '9'], { prompts: PROMPTS.slice(0, 12) });
  assert.equal(some.code, 0, some.err);
  assert.deepEqual([some.told.failed, some.rows!.length], [1, 23]);
  assert.match(some.err, /1 answers or scores could not be had, the last: small: 422: too spicy/);
  failing = () => false;
  const again = await collect(['--judge', 'judge', '--budget', '9'], {
    prompts: PROMPTS.slice(0, 12),
    out: some.file,
  });
  assert.deepEqual([again.told.failed, again.rows!.length], [0, 24]);
  failing = () => true;
  const none = await collect(['--judge', 'judge', '--budget', '9']);
  assert.deepEqual([none.code, none.rows], [1, null]);
  assert.match(none.err, /The last failure: \w+: 422: too spicy/);
});

test('what is asked for wrongly is told before anything is paid', async () => {
  for (const [options, words] of [
    [['--budget', '1'], /want one of --judge TARGET and --score-command/],
    [['--budget', '1', '--judge', 'jugde'], /--judge: no target 'jugde'.* it has: small, large, judge, free/],
    [
      ['--budget', '1', '--judge', 'judge', '--targets', 'small,free'],
      /--targets: no policy leads to 'free'/,
    ],
    [['--budget', '1', '--judge', 'judge', '--baseline', 'judge'], /'judge' is none of --targets/],
  ] as const) {
    const { code, err } = await collect(options, { prompts: [{ prompt: 'never to be paid' }] });
    assert.equal(code, 2, err);
    assert.match(err, words);
  }
  const bad = await collect(['--budget', '1', '--judge', 'judge'], {
    prompts: [{ prompt: 'never to be paid' }, { question: 'y' }],
  });
  assert.match(bad.err, /prompts-\d+\.jsonl:2: no "prompt" that is a text/);
  // A call of the test before, given up when many had failed, may come now.
  assert.ok(!calls.some(({ content }) => content.includes('never to be paid')));
});
