import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import { anyEnv, parseConfig } from '../../../router-controller/src/config/index.ts';
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
  assert.match(text, /\$\{GROQ_API_KEY\}/);
  assert.ok(!(text + notes.join()).includes('sk-secret'));
  for (const words of [
    /model_list\[1\]: a key stands in the file.*BEST_KEY/,
    /model_list\[3\]: 'bedrock'.*left out/,
    /rpm is a limit/,
    /router_settings/,
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
