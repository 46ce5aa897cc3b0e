/** What is carried over of others' lists, and what is told not to be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dump } from 'js-yaml';
import { parseConfig } from '../../../router-controller/src/config/index.ts';
import { fromLiteLlm, fromOpenRouter } from './from-others.ts';

const LITELLM = `model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/MY_KEY
      input_cost_per_token: 0.0000025
      output_cost_per_token: 1e-5
      rpm: 60
  - model_name: gpt-4o
    litellm_params: { model: gpt-4o, api_base: "https://eu.example.com/v1" }
  - litellm_params: { model: anthropic/claude-haiku-4-5 }
    model_name: claude
  - model_name: bedrock-one
    litellm_params: { model: bedrock/x.y }
  - model_name: "vllm/*"
    litellm_params: { model: hosted_vllm/*, api_base: "http://10.0.0.1:8000/v1" }
  - model_name: own
    litellm_params: { model: hosted_vllm/qwen, api_base: "http://10.0.0.1:8000/v1" }
router_settings:
  routing_strategy: simple-shuffle
`;

test('LiteLLM: models, keys by environment, prices; the rest by line', () => {
  const { targets, left } = fromLiteLlm(LITELLM);
  assert.deepEqual(targets, [
    {
      name: 'gpt-4o',
      api_base: 'https://api.openai.com/v1',
      api_key: '${MY_KEY}',
      model: 'gpt-4o',
      price: { input: 2.5, output: 10 },
    },
    {
      name: 'gpt-4o-2',
      api_base: 'https://eu.example.com/v1',
      api_key: '${OPENAI_API_KEY}',
      model: 'gpt-4o',
    },
    {
      name: 'claude',
      api_base: 'https://api.anthropic.com',
      api_key: '${ANTHROPIC_API_KEY}',
      model: 'claude-haiku-4-5',
      apis: ['messages'],
      key_header: 'x-api-key',
    },
    { name: 'own', api_base: 'http://10.0.0.1:8000/v1', model: 'qwen' },
  ]);
  assert.deepEqual(left, [
    'line 2: gpt-4o: litellm_params.rpm',
    "line 13: bedrock-one: provider 'bedrock' speaks an API that is not relayed here",
    'line 15: vllm/*: a pattern of names; list the models',
    'line 19: router_settings: routing_strategy',
  ]);
});

test('what is carried over is a configuration that loads', () => {
  const { targets } = fromLiteLlm(LITELLM);
  const env = { MY_KEY: 'a', OPENAI_API_KEY: 'b', ANTHROPIC_API_KEY: 'c' };
  const policies = [{ name: 'p', url: 'grpc://127.0.0.1:1/m', llms: [{ name: 'X', target: 'claude' }] }];
  const { table } = parseConfig(dump({ targets, policies }), 'test.yaml', { env });
  assert.deepEqual([...table.targets.keys()], ['gpt-4o', 'gpt-4o-2', 'claude', 'own']);
});

test('OpenRouter: prices a token become prices a million', () => {
  const { targets, left } = fromOpenRouter(
    JSON.stringify({
      data: [
        {
          id: 'maker/m',
          pricing: { prompt: '0.0000005', completion: '0.0000015', input_cache_read: '5e-8' },
        },
        { id: 'openrouter/auto', pricing: { prompt: '-1', completion: '-1' } },
      ],
    }),
  );
  assert.deepEqual(targets[0]?.price, { input: 0.5, output: 1.5, cached_input: 0.05 });
  assert.equal(targets.length, 1);
  assert.match(left[0]!, /data\[1\]: openrouter\/auto: its price changes/);
});

test('other files are refused with what is wanted', () => {
  assert.throws(() => fromLiteLlm('a: 1'), /no model_list/);
  assert.throws(() => fromOpenRouter('{}'), /want OpenRouter’s list/);
});
