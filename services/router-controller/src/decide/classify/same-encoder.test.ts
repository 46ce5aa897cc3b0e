/** Triton serves any head whose sizes fit; a head of another encoder must not decide all the same. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { parseConfig } from '../../config/index.ts';
import { KServeHttpClient } from './kserve-http.ts';
import { LabelMismatch } from './label-mismatch.ts';
import { PolicyClassifier } from './policy-classifier.ts';
import { type ModelConfig, otherEncoder } from './same-encoder.ts';

const step = (model_name: string, input: string, output: string) => ({
  model_name,
  input_map: { [input.toUpperCase()]: input },
  output_map: { [output.toUpperCase()]: output },
});
const ENSEMBLE = {
  ensemble_scheduling: {
    step: [
      step('tokenizer', 'text', 'ids'),
      step('encoder', 'ids', 'embedding'),
      step('mine_head', 'embedding', 'output'),
    ],
  },
};
const named = (value?: string): ModelConfig => ({
  parameters: value === undefined ? {} : { encoder_fingerprint: { string_value: value } },
});

const compare = (encoder: string | undefined, head: string | undefined, told = true) =>
  otherEncoder(ENSEMBLE, async (model) =>
    !told ? undefined : model === 'encoder' ? named(encoder) : model === 'mine_head' ? named(head) : {},
  );

describe('a head and its encoder', () => {
  test('of one fingerprint go together', async () => assert.equal(await compare('a', 'a'), null));
  test('go together where the encoder has none, whatever the head says', async () => {
    assert.equal(await compare(undefined, undefined), null);
    assert.equal(await compare(undefined, 'a'), null);
  });
  test('of two are told apart, and so is a head of before there were any', async () => {
    assert.deepEqual(await compare('b', 'a'), {
      head: 'mine_head',
      trainedOn: 'a',
      encoder: 'encoder',
      now: 'b',
    });
    assert.equal((await compare('b', undefined))?.trainedOn, null);
  });
  test('are nobody’s business where the server tells no configuration', async () => {
    assert.equal(await compare('b', 'a', false), null);
    assert.equal(await otherEncoder(undefined, async () => named('a')), null);
  });
});

test('a policy whose head was trained on another encoder is refused by name, with the command', async (context) => {
  const configs: Record<string, unknown> = { mine: ENSEMBLE, encoder: named('b'), mine_head: named('a') };
  const server = createServer((request, response) => {
    const [, model, rest] = /^\/v2\/models\/(\w+)(.*)$/.exec(request.url!)!;
    const answer =
      rest === '/config'
        ? (configs[model!] ?? {})
        : rest === '/infer'
          ? { model_version: '1', outputs: [{ name: 'OUTPUT', shape: [1, 2], data: ['.9:0:A', '.1:1:B'] }] }
          : { outputs: [{ name: 'OUTPUT', datatype: 'FP32', shape: [-1, 2] }] };
    request.resume().on('end', () => response.end(JSON.stringify(answer)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const { table, file } = parseConfig(
    `
targets: [{ name: t, api_base: http://t, model: m }]
policies: [{ name: p, url: http://127.0.0.1:${port}/v2/models/mine/infer, llms: [{ name: A, target: t }, { name: B, target: t }] }]
`,
    't.yaml',
  );
  const start = async () => {
    const classifier = new PolicyClassifier(table.policies.get('p')!, file.classifier, {
      connect: ({ address, model }) => new KServeHttpClient(address, model),
    });
    context.after(() => classifier.close());
    await classifier.start(2_000);
    return classifier.status().ready;
  };
  await assert.rejects(start(), (error: Error) => {
    assert.ok(error instanceof LabelMismatch);
    assert.match(
      error.message,
      /policy 'p': mine_head was trained on another encoder \(a\) than encoder is now \(b\)/,
    );
    assert.match(error.message, /npm run policy:train -- --name mine --data FILE/);
    return true;
  });
  configs.mine_head = named('b');
  assert.equal(await start(), true);
});
