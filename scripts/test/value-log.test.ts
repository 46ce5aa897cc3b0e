/**
 * A policy that learns from its own life: a first head from a few scored prompts, a router that explores, answers and is told of its
 * answers over HTTP, and `value:train` on the log that it wrote meanwhile, until the server has the head that came of it.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  chat,
  eventually,
  MODELS,
  startWhole,
  user,
  type Whole,
} from '../../services/router-controller/test/harness.ts';
import { type RouterServer, startRouterServer } from '../../services/router-server/src/index.ts';
import { ROOT } from '../parts/lib.ts';

const TARGETS = ['cheap', 'dear'] as const;
/** As the trainer has it: `LEAST_SCORED`. */
const LEAST = 300;
const AT_ONCE = 8;
const THINGS = 'apple river stone cloud paper lamp chair mountain letter garden window bridge'.split(' ');

/** Sums are what the cheap target can't do; poems they write alike. */
const isHard = (i: number) => i % 2 === 1;
const scoreOf = (i: number, target: string) => (target === 'cheap' && isHard(i) ? 0.1 : 0.9);
const promptOf = (i: number) => {
  const [a, b, c] = [i, i * 5 + 1, Math.floor(i / THINGS.length) + 2].map((n) => THINGS[n % THINGS.length]);
  return isHard(i)
    ? `Calculate the sum of ${i} and ${i * 7 + 3}, then divide it by the number of letters in ${a} ${b}`
    : `Write a short poem about a ${a}, a ${b} and a ${c}, verse ${i}`;
};

/** Feedback that was taken, by request. */
interface Scored {
  readonly target: string;
  readonly score: number;
}

describe('a policy of kind value and its own log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-value-log-'));
  const repository = join(folder, 'models');
  const log = join(folder, 'decisions.jsonl');
  let server: RouterServer;
  let whole: Whole;
  const scored = new Map<string, Scored>();
  let asked = 0;

  const train = (name: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> =>
    new Promise((resolve) => {
      const given = ['run', '-s', 'value:train', '--', '--name', name, '--repository', repository, '--json'];
      execFile('npm', [...given, ...args], { cwd: ROOT, maxBuffer: 1 << 24 }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
      );
    });

  before(async () => {
    cpSync(
      join(MODELS, 'prompt_encoder', 'config.pbtxt'),
      join(repository, 'prompt_encoder', 'config.pbtxt'),
    );
    symlinkSync(join(MODELS, 'prompt_encoder', '1'), join(repository, 'prompt_encoder', '1'));
    symlinkSync(join(MODELS, 'prompt_tokenizer'), join(repository, 'prompt_tokenizer'));
    const few = join(folder, 'evals.jsonl');
    const rows = Array.from({ length: 48 }, (_, i) =>
      TARGETS.map((target) => ({
        prompt: promptOf(i),
        target,
        score: scoreOf(i, target),
        cost: target === 'cheap' ? 1e-5 : 1e-3,
      })),
    ).flat();
    writeFileSync(few, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const first = await train('auto', '--data', few, '--force');
    assert.equal(first.code, 0, first.err);
    server = await startRouterServer({ repository, pollSeconds: 1, threads: 1 });
    whole = await startWhole({
      config: `
default_policy: auto
classifier: { deadline_ms: 20000 }
decision_log: { path: '${log}', embedding: true }
targets:
  - { name: cheap, api_base: '{LLM}', model: c, price: { input: 0.1, output: 0.1 } }
  - { name: dear, api_base: '{LLM}', model: d, price: { input: 10, output: 10 } }
policies:
  - name: auto
    kind: value
    url: grpc://${server.grpc}/auto_ensemble
    targets: [cheap, dear]
    choose: { regret: 0.3 }
    fallback: dear
    explore: 0.5
`,
    });
  });
  after(async () => {
    await whole?.stop();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Asks one prompt, and says how good the answer was. */
  const live = async () => {
    const i = asked++;
    const answer = await chat(whole.url, { model: 'auto', messages: user(promptOf(i)) });
    assert.equal(answer.status, 200, await answer.text());
    const request_id = answer.headers.get('x-request-id')!;
    const target = answer.headers.get('x-chosen-classifier')!;
    const score = scoreOf(i, target);
    const told = await chat(whole.url, { request_id, score, source: 'test' }, { path: '/v1/feedback' });
    assert.deepEqual([told.status, ((await told.json()) as { target: string }).target], [200, target]);
    scored.set(request_id, { target, score });
  };
  const countOf = (target: string) => [...scored.values()].filter((each) => each.target === target).length;
  const liveUntil = async (enough: () => boolean) => {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (!enough()) await live();
      }),
    );
    await eventually('all is in the log', () => {
      const kinds = readFileSync(log, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line).type);
      const told = kinds.filter((type) => type === 'feedback').length;
      return told === scored.size && kinds.length - told === scored.size;
    });
  };

  test('teaches nothing below 300 scored requests of each target, and says how many there are', async () => {
    await liveUntil(() => scored.size >= 40);
    const { code, err } = await train('again', '--log', log, '--policy-of', 'auto');
    assert.equal(code, 2, err);
    for (const target of TARGETS) assert.ok(err.includes(`'${target}' has ${countOf(target)}`), err);
    assert.match(err, /fewer than 300 scored requests drawn by lot of 2 target\(s\)/);
    assert.match(err, /Explore more .*POST \/v1\/feedback/);
    assert.match(err, /Nothing was changed/);
  });

  /** P(good) of each target for one prompt. */
  const told = async (i: number): Promise<Record<string, number>> => {
    const asking = { model: 'auto', messages: user(promptOf(i)) };
    const response = await chat(whole.url, asking, { path: '/v1/route' });
    const { value } = (await response.json()) as {
      value: { targets: { target: string; quality: number }[] };
    };
    return Object.fromEntries(value.targets.map(({ target, quality }) => [target, quality]));
  };

  test('teaches a head, which the server takes up and which knows what the answers were worth', async () => {
    await liveUntil(() => TARGETS.every((target) => countOf(target) >= LEAST) || asked >= 2_000);
    const before = await told(0);
    const { code, out, err } = await train('auto', '--log', log);
    assert.equal(code, 0, err);
    const made = JSON.parse(out.trim().split('\n').at(-1)!);
    assert.deepEqual(
      [made.routes, made.written, made.targets, made.rows],
      [true, true, [...TARGETS], scored.size],
    );
    assert.ok(made.points_over_coin > 5 && made.ece < 0.1, JSON.stringify(made));
    assert.match(err, /requests are scored; each counts by 1 \/ the chance that its target had/);
    assert.match(
      readFileSync(join(repository, 'auto_head', 'config.pbtxt'), 'utf8'),
      new RegExp(`key: "rows" value: \\{ string_value: "${scored.size}" \\}`),
    );
    // What the first head said is no longer said, not of a prompt whose decision is remembered either.
    let fresh = 10_000;
    await eventually(
      'the router tells what the new head knows',
      async () => {
        await told(fresh++);
        return (await told(0)).cheap !== before.cheap;
      },
      60_000,
    );
    // Means of prompts of either kind: one by itself may be unfamiliar, and is drawn to the mean of all.
    const some = await Promise.all(Array.from({ length: 20 }, (_, i) => told(200 + i)));
    for (const kind of ['easy', 'hard'] as const)
      for (const target of TARGETS) {
        const of = some.filter((_, i) => isHard(i) === (kind === 'hard')).map((each) => each[target]!);
        const mean = of.reduce((sum, each) => sum + each, 0) / of.length;
        const truth = scoreOf(kind === 'hard' ? 1 : 0, target);
        assert.ok(Math.abs(mean - truth) < 0.2, `${kind}, ${target}: P ${mean}, truth ${truth}`);
      }
  });
});
