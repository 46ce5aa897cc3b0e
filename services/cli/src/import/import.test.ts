import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

const UNUSUAL = `
model_list:
  - &first
    model_name: a
    litellm_params: &of-first { model: openai/gpt-5, api_key: os.environ/MINE }
  - model_name: b
    litellm_params: { <<: *of-first, model: openai/gpt-5-mini }
  - null
  - a name alone
  - { model_name: c, litellm_params: null, model_info: null }
  - { model_name: own, litellm_params: { model: hosted_vllm/meta/llama, api_base: os.environ/VLLM_BASE } }
  - { model_name: 7, litellm_params: { model: azure/mine, api_base: "https://r.openai.azure.com/", api_version: "2024-02-01" } }
  - { model_name: az, litellm_params: { model: azure/mine-2, api_base: os.environ/AZURE_URL, api_key: os.environ/AZ } }
  - { model_name: bed, litellm_params: { model: bedrock/claude, api_base: "https://b.example.com" } }
  - { model_name: same, litellm_params: { model: openai/x, api_key: sk-one-of-the-file } }
  - { model_name: same, litellm_params: { model: openai/y, api_key: sk-two-of-the-file } }
  - { model_name: 8b, litellm_params: { model: openai/z, api_key: sk-one-of-the-file } }
  - { model_name: 9b, litellm_params: { model: constructor/z } }
  - { model_name: 9b, litellm_params: { model: openai/9, api_key: sk-three-of-the-file } }
"router_settings": { fallbacks: [{ a: [b] }], model_group_alias: { gpt-4: a } }
general_settings:
`;

test('what else LiteLLM’s files hold: merged keys, entries of nothing, bases in variables, Azure, keys by the same name', () => {
  const { targets, notes } = fromLitellm(UNUSUAL, 'l.yaml');
  assert.deepEqual(
    Object.fromEntries(targets.map(({ name, api_base, key, model }) => [name, [api_base, key, model]])),
    {
      a: ['https://api.openai.com/v1', 'MINE', 'gpt-5'],
      b: ['https://api.openai.com/v1', 'MINE', 'gpt-5-mini'],
      own: ['${VLLM_BASE}', null, 'meta/llama'],
      7: ['https://r.openai.azure.com/openai/v1', 'AZURE_API_KEY', 'mine'],
      az: ['${AZURE_URL}', 'AZ', 'mine-2'],
      same: ['https://api.openai.com/v1', 'SAME_KEY', 'x'],
      'same-2': ['https://api.openai.com/v1', 'SAME_2_KEY', 'y'],
      '8b': ['https://api.openai.com/v1', 'SAME_KEY', 'z'],
      '9b': ['https://api.openai.com/v1', 'TARGET_9B_KEY', '9'],
    },
  );
  assert.doesNotThrow(() => tableOf(configOf(targets)));
  const told = notes.join('\n');
  for (const words of [
    /^model_list\[2\]: no litellm_params/m,
    /^model_list\[4\]: no litellm_params/m,
    /set AZURE_URL to https:\/\/RESOURCE/,
    /'bedrock' is no OpenAI/,
    /'constructor' is no OpenAI/,
    /^router_settings: not taken over/m,
  ])
    assert.match(told, words);
  assert.doesNotMatch(told, /general_settings|api_version, |<<|line 0|sk-/);
});

test('v1’s files may merge keys; a file without what is needed is told as what it is', () => {
  const merged = `
policies:
  - name: task_router
    url: http://c:8000/v2/models/task_router_ensemble/infer
    llms:
      - &one { name: Chatbot, api_base: "https://h.example.com", api_key: nvapi-in-the-file, model: m/8b-one }
      - { <<: *one, name: Other }
`;
  const { text, notes } = fromV1(merged, 'v1.yaml');
  assert.equal(tableOf(text).targets.size, 1);
  assert.match(notes.join(), /set TARGET_8B_ONE_KEY/);
  for (const wrong of ['policies: [null]', 'policies: [{llms: [null]}]', 'policies: [{llms: [x]}]'])
    assert.throws(() => fromV1(wrong, 'f'), /want v1's `policies`/);
});

test('what can’t be written, or would not pass, is told in words and leaves nothing behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-import-'));
  const cwd = { cwd: folder };
  writeFileSync(join(folder, 'o.json'), '\uFEFF{"data": [{"id": "a/b"}]}');
  writeFileSync(
    join(folder, 'v1.yaml'),
    'policies: [{name: p, url: "http://c:8000/v2/models/x/infer", llms: [{name: a}]}]',
  );
  try {
    for (const [args, words] of [
      [
        ['import', 'openrouter', 'o.json', '--out', 'none/r.yaml'],
        /^--out: none\/r\.yaml can’t be written: there is no folder none$/,
      ],
      [
        ['import', 'openrouter', 'o.json', '--out', '.', '--force'],
        /^--out: \. can’t be written: it is a folder/,
      ],
      [['init', '--use', 'none', '--out', 'none/r.yaml'], /can’t be written: there is no folder/],
      [
        ['import', 'v1', 'v1.yaml', '--out', 'r.yaml'],
        /nothing was written\nof v1\.yaml: 2 problems\n {2}targets\[0\]\.api_base: missing/,
      ],
    ] as const) {
      const { code, out, err } = await runCommand(args, cwd);
      assert.deepEqual([code, out], [1, ''], err);
      assert.match(err.trim(), words);
    }
    assert.deepEqual(readdirSync(folder).toSorted(), ['o.json', 'v1.yaml']);
    const { code, err } = await runCommand(['import', 'openrouter', 'o.json', '--out', 'r.yaml'], cwd);
    assert.equal(code, 0, err);
  } finally {
    rmSync(folder, { recursive: true });
  }
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
