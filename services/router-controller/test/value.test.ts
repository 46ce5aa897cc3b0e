/** Policies of kind value over a real classifier server: client → controller → router-server with a value head → target. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type RouterServer, startRouterServer } from '@llm-router/router-server';
import type { PromptEmbedding } from '../src/request.ts';
import { chat, eventually, sample, startWhole, user, type Whole } from './harness.ts';
import { ENCODER, type HeadFolder, TARGETS, writeValueHead } from './value-head.ts';

const PROMPT =
  'A train leaves at 3 pm at 60 km/h, another at 4 pm at 90 km/h. When does the second catch up?';
// One token where the head tells none: t0 is the cheapest by its price, whatever the head says of answers' lengths.
const config = (url: string, targets: readonly string[] = TARGETS) => `
default_policy: auto
classifier: { deadline_ms: 20000 }
targets:
${targets.map((name, at) => `  - { name: ${name}, api_base: "{LLM}", model: m${at}, price: { input: ${at + 1}, output: ${4 * at + 4} } }`).join('\n')}
policies:
  - name: auto
    kind: value
    url: ${url}
    targets: [${targets.join(', ')}]
    choose: { regret: 1 }
    fallback: t0
    answer_tokens: 1
`;

interface Told {
  readonly target: string;
  readonly reason: string;
  readonly value: {
    readonly familiarity: number;
    readonly targets: readonly {
      readonly target: string;
      readonly quality: number;
      readonly cost_usd: number;
      readonly input_tokens: number;
      readonly output_tokens: number;
      readonly why: string | null;
    }[];
  };
}

describe('a policy of kind value', () => {
  let head: HeadFolder;
  let server: RouterServer;
  const wholes = new Map<string, Whole>();
  before(async () => {
    head = writeValueHead();
    server = await startRouterServer({ repository: head.repository, pollSeconds: 0, threads: 1 });
    for (const [protocol, url] of [
      ['grpc', `grpc://${server.grpc}/auto_ensemble`],
      ['http', `${server.http}/v2/models/auto_ensemble/infer`],
    ] as const)
      wholes.set(protocol, await startWhole({ config: config(url) }));
  });
  after(async () => {
    for (const whole of wholes.values()) await whole.stop();
    await server?.close();
    head?.remove();
  });

  const preview = async (whole: Whole, body: object, headers: Record<string, string> = {}) => {
    const response = await chat(whole.url, body, { path: '/v1/route', headers });
    return {
      status: response.status,
      told: (await response.json()) as Told & { error?: { message: string; param: string } },
    };
  };

  for (const protocol of ['grpc', 'http'] as const)
    test(`over ${protocol} tells P and cost of every target, and answers with the one that was chosen`, async () => {
      const whole = wholes.get(protocol)!;
      const { told } = await preview(whole, { model: 'auto:best', messages: user(PROMPT) });
      const { targets } = told.value;
      assert.deepEqual(
        targets.map(({ target }) => target),
        [...TARGETS],
      );
      const sum = targets.reduce((all, { quality }) => all + quality, 0);
      assert.ok(Math.abs(sum - 1) < 0.01, 'the head is the complexity head, whose outputs sum to one');
      for (const [at, { cost_usd, input_tokens, output_tokens }] of targets.entries())
        assert.ok(Math.abs(cost_usd - ((at + 1) * (input_tokens + 4 * output_tokens)) / 1e6) < 1e-12);
      const best = targets.toSorted((a, b) => b.quality - a.quality)[0]!;
      assert.deepEqual([told.target, told.reason], [best.target, 'value']);

      const response = await chat(whole.url, { model: 'auto:best', messages: user(PROMPT) });
      assert.equal(response.status, 200, await response.clone().text());
      assert.equal(response.headers.get('x-chosen-classifier'), best.target);
      assert.equal(response.headers.get('x-llm-router-quality'), best.quality.toFixed(4));
      assert.equal(
        response.headers.get('x-llm-router-cost-estimate-usd'),
        response.headers.get('x-llm-router-cost-best-usd'),
      );
      // The policy's own setting gives up all quality for the price.
      const cheap = await chat(whole.url, { model: 'auto', messages: user(PROMPT) });
      const least = targets.toSorted((a, b) => a.cost_usd - b.cost_usd)[0]!;
      assert.equal(cheap.headers.get('x-chosen-classifier'), least.target);
    });

  test('counts what was saved against the best and the dearest, and what was predicted', async () => {
    const { url, metrics } = wholes.get('grpc')!;
    const saved = (against: string) =>
      sample(metrics, 'llm_router_value_saved_usd_total', { policy: 'auto', against });
    const before = [await saved('best'), await saved('dearest')];
    const observed = () => sample(metrics, 'llm_router_value_predicted_quality', { policy: 'auto' });
    const seen = await observed();
    await chat(url, { model: 'auto:best', messages: user(PROMPT) });
    await eventually('it is counted', async () => (await observed()) > seen);
    assert.equal(await saved('best'), before[0]);
    await chat(url, { model: 'auto', messages: user(PROMPT) });
    await eventually('it has saved', async () => (await saved('dearest')) > before[1]!);
    assert.ok((await saved('best')) > before[0]!);
    assert.ok((await saved('best')) - before[0]! <= (await saved('dearest')) - before[1]!);
  });

  test('takes its settings from fields, headers and model names, and says what is wrong with them', async () => {
    const whole = wholes.get('grpc')!;
    const extension = (fields: object) => ({
      messages: user(PROMPT),
      'nim-llm-router': { policy: 'auto', ...fields },
    });
    const best = (await preview(whole, { model: 'auto:best', messages: user(PROMPT) })).told.target;
    const plain = { model: '', messages: user(PROMPT) };
    assert.equal((await preview(whole, extension({ regret: 0 }))).told.target, best);
    assert.equal((await preview(whole, plain, { 'x-llm-router-regret': '0' })).told.target, best);
    assert.equal((await preview(whole, extension({ cost_share: 1 }))).told.target, best);
    // A field comes before a header, and both before the model's name.
    const both = await preview(whole, extension({ willingness_usd: 0 }), { 'x-llm-router-regret': '0' });
    assert.equal(both.told.target, 't0');
    const named = { model: 'auto:best', messages: user(PROMPT) };
    assert.equal((await preview(whole, named, { 'x-llm-router-willingness-usd': '0' })).told.target, 't0');
    assert.equal(
      (await preview(whole, extension({ regret: 0, exclude: [best] }))).told.value.targets.find(
        ({ target }) => target === best,
      )!.why,
      'excluded by the request',
    );

    for (const [fields, param, words] of [
      [{ quality_floor: 2 }, 'nim-llm-router.quality_floor', /must be a number from 0 to 1/],
      [{ willingness_usd: -1 }, 'nim-llm-router.willingness_usd', /must be a number of USD, 0 or above/],
      [{ regret: 0, quality_floor: 0 }, 'nim-llm-router.regret', /say two things; give one of/],
      [
        { threshold: 0.5 },
        'nim-llm-router.threshold',
        /is for policies of labels, and 'auto' is of kind value/,
      ],
      [{ max_cost_usd: 0 }, 'nim-llm-router', /No target is left to choose from\. t0: would cost about/],
      [{ qualityfloor: 1 }, 'nim-llm-router.qualityfloor', /Did you mean 'quality_floor'\?/],
    ] as const) {
      const { status, told } = await preview(whole, extension(fields));
      assert.deepEqual([status, told.error!.param], [400, param]);
      assert.match(told.error!.message, words);
    }
    const models = (await (await fetch(`${whole.url}/v1/models`)).json()) as { data: { id: string }[] };
    const ids = models.data.map(({ id }) => id);
    for (const point of ['cheap', 'balanced', 'best']) assert.ok(ids.includes(`auto:${point}`), ids.join());
    const wrong = await chat(whole.url, { model: 'auto:bset', messages: user('x') });
    assert.equal(wrong.status, 404);
    assert.match(await wrong.text(), /Did you mean 'auto:best'\?/);
  });

  test('puts what the head saw of a prompt into the decision log where that is asked for, the same by both protocols', async () => {
    const seen: number[][] = [];
    for (const url of [
      `grpc://${server.grpc}/auto_ensemble`,
      `${server.http}/v2/models/auto_ensemble/infer`,
    ]) {
      const path = join(head.repository, `decisions-${seen.length}.jsonl`);
      const whole = await startWhole({
        config: `${config(url)}decision_log: { path: '${path}', embedding: true }\n`,
      });
      try {
        // The second time it comes from the cache.
        for (let turn = 0; turn < 2; turn++)
          assert.equal((await chat(whole.url, { model: 'auto', messages: user(PROMPT) })).status, 200);
        const lines = () => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []);
        await eventually('both are written', () => lines().length === 2);
        const [first, second] = lines().map((line) => JSON.parse(line).embedding as PromptEmbedding);
        assert.deepEqual(second, first);
        assert.equal(first!.of, ENCODER);
        const bytes = Buffer.from(first!.f16, 'base64');
        seen.push([
          ...new Float16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
        ]);
      } finally {
        await whole.stop();
      }
    }
    const [grpc, http] = seen;
    assert.equal(grpc!.length, 768);
    assert.ok(grpc!.some((value) => value !== 0));
    for (const [at, value] of grpc!.entries()) assert.ok(Math.abs(value - http![at]!) < 1e-2);
  });

  test('whose targets are not the head’s outputs does not start, and says which', async () => {
    const starting = startWhole({
      config: config(`grpc://${server.grpc}/auto_ensemble`, TARGETS.slice(0, 6)),
    });
    await assert.rejects(starting, { name: 'LabelMismatch', message: /outputs without a target: 't6'/ });
  });
});
