import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import { anyEnv, parseConfig } from '../../../router-controller/src/config/index.ts';
import { runCommand } from '../../test/run-command.ts';
import { configOf } from '../init/write.ts';
import { fromLitellm } from './litellm.ts';
import { fromOpenrouter } from './openrouter.ts';
import { fromV1 } from './v1.ts';

const tableOf = (text: string) => parseConfig(text, 'x.yaml', { env: anyEnv }).table;
const firstOf = (text: string, label: string) =>
  tableOf(text).policies.get('task_router')!.entries.get(label)!.routes[0]!.target.name;

const LITELLM = `
model_list:
  - { model_name: fast, litellm_params: { model: groq/llama-3.1-8b-instant, api_key: os.environ/GROQ_API_KEY, input_cost_per_token: 5.0e-8, output_cost_per_token: 8.0e-8, rpm: 30 } }
  - { model_name: best, litellm_params: { model: openai/gpt-5, api_key: sk-secret-of-the-file }, model_info: { input_cost_per_token: 1.25e-6, output_cost_per_token: 1.0e-5, max_input_tokens: 272000, supports_vision: true } }
  - { model_name: best, litellm_params: { model: hosted_vllm/qwen3, api_base: "http://gpu:8000/v1", input_cost_per_token: 1.0e-7, output_cost_per_token: 1.0e-7 } }
  - { model_name: bed, litellm_params: { model: bedrock/anthropic.claude } }
  - { model_name: "vllm/*", litellm_params: { model: hosted_vllm/*, api_base: "http://10.0.0.1:8000/v1" } }
  - { model_name: warm, litellm_params: { model: openai/gpt-5-mini, input_cost_per_token: "2.5e-7", output_cost_per_token: 2.0e-6, cache_read_input_token_cost: 2.5e-8, timeout: 5 } }
router_settings: { routing_strategy: simple-shuffle }
`;

test('LiteLLM’s models become targets: cheapest for easy work, dearest for hard, no key copied', () => {
  const { targets, notes } = fromLitellm(LITELLM, 'l.yaml');
  const text = configOf(targets);
  assert.deepEqual([firstOf(text, 'Chatbot'), firstOf(text, 'Code Generation')], ['fast', 'best']);
  const table = tableOf(text);
  const best = table.targets.get('best')!;
  assert.deepEqual(
    [best.model, best.price, best.capabilities.context_tokens],
    ['gpt-5', { input: 1.25, output: 10 }, 272_000],
  );
  assert.equal(table.targets.get('best-2')!.apiKey, null);
  assert.deepEqual(table.targets.get('warm')!.price, { input: 0.25, output: 2, cached_input: 0.025 });
  assert.match(text, /\$\{GROQ_API_KEY\}/);
  assert.ok(!(text + notes.join()).includes('sk-secret'));
  for (const words of [
    /line 4: a key stands in the file.*BEST_KEY/,
    /line 6: 'bedrock'.*left out/,
    /rpm is a limit/,
    /line 9: router_settings/,
    /line 7: vllm\/\*: a pattern of names/,
    /line 8: not taken over: litellm_params.timeout/,
  ])
    assert.ok(
      notes.some((note) => words.test(note)),
      String(words),
    );
});

test('OpenRouter’s models bring their prices, lengths and eyes', () => {
  const model = (id: string, price: string, modalities: string[]) => ({
    id,
    context_length: 1000,
    pricing: { prompt: price, completion: price },
    architecture: { input_modalities: modalities },
  });
  const list = {
    data: [
      model('a/dear', '0.00001', ['text', 'image']),
      model('b/cheap', '0.0000001', ['text']),
      model('c/other', '0', ['text']),
    ],
  };
  const { targets } = fromOpenrouter(JSON.stringify(list), 'm.json', ['a/dear', 'b/cheap']);
  const text = configOf(targets);
  assert.deepEqual([firstOf(text, 'Chatbot'), firstOf(text, 'Open QA')], ['cheap', 'dear']);
  assert.deepEqual(tableOf(text).targets.get('dear')!.price, { input: 10, output: 10 });
  assert.throws(() => fromOpenrouter(JSON.stringify(list), 'm.json', ['x']), /no model 'x'/);
  const many = Array.from({ length: 30 }, (_, n) => model(`v/m${n}`, '1', []));
  assert.throws(() => fromOpenrouter(JSON.stringify(many), 'm.json', []), /30 models; name those/);
});

test('v1’s file in today’s form routes as it did', () => {
  const source = readFileSync(join(ROOT, 'config/v1.yaml'), 'utf8');
  const { text, notes } = fromV1(source, 'v1.yaml');
  const [before, after] = [tableOf(source), tableOf(text)];
  assert.deepEqual(notes, []);
  for (const policy of before.policies.values())
    for (const entry of policy.entries.values()) {
      const now = after.policies.get(policy.name)!.entries.get(entry.name)!;
      assert.equal(now.routes[0]!.target.model, entry.routes[0]!.target.model);
    }
  assert.ok(text.split('\n').length < source.split('\n').length);
  const own = fromV1(source.replaceAll('${NVIDIA_API_KEY}', 'nvapi-in-the-file'), 'v1.yaml');
  assert.ok(!(own.text + own.notes.join()).includes('nvapi-in-the-file'));
  assert.ok(own.notes.length > 0);
});

test('another file is refused with what was wanted', () => {
  assert.throws(() => fromLitellm('a: 1', 'f'), /no `model_list`/);
  assert.throws(() => fromV1('policies: 1', 'f'), /want v1's `policies`/);
  assert.throws(() => fromOpenrouter('{"x": 1}', 'f', []), /want OpenRouter's list/);
});

test('`targets import` prints the same as targets alone, and no key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-targets-'));
  const file = join(folder, 'l.yaml');
  writeFileSync(file, LITELLM);
  const { code, out, err } = await runCommand(['targets', 'import', '--from', 'litellm', '--file', file]);
  rmSync(folder, { recursive: true });
  assert.equal(code, 0, err);
  const { targets } = load(out) as { targets: { name: string; api_key?: string }[] };
  assert.deepEqual(
    targets.map(({ name }) => name),
    fromLitellm(LITELLM, 'l.yaml').targets.map(({ name }) => name),
  );
  assert.equal(targets.find(({ name }) => name === 'best')!.api_key, '${BEST_KEY}');
  assert.match(err, /l\.yaml: line 6: 'bedrock'/);
  assert.ok(!(out + err).includes('sk-secret'));
});
