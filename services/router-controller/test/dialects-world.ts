/** A whole router in front of stand-ins, some of which speak Responses and Messages, and the SDKs that ask it. */
import { after, before, beforeEach } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import type { CustomAnswer, Seen } from '@llm-router/stand-in-llms';
import OpenAI from 'openai';
import { favour, scriptedClassifier, startWhole, type Whole } from './harness.ts';

export const CONFIG = `
auth: { mode: open }
upstream: { retry_first_ms: 1, breaker_failures: 100 }
targets:
  - { name: chatty, api_base: '{LLM}', api_key: upstream-key, model: chatty }
  - { name: blind, api_base: '{LLM}', model: blind, capabilities: { vision: false } }
  - { name: broken, api_base: '{LLM}', model: 'broken#fault=status:500' }
  - { name: both, api_base: '{LLM}', api_key: upstream-key, model: both, apis: [chat, responses, messages], key_header: x-api-key }
  - { name: small, api_base: '{LLM}', model: small, capabilities: { context_tokens: 2000 } }
  - { name: strict, api_base: '{LLM}', model: strict, max_tokens_as: max_completion_tokens, reasoning_input: true, capabilities: { reasoning_effort: false } }
default_policy: p
policies:
  - name: p
    url: grpc://127.0.0.1:1/m
    retry_budget: { attempts: 2 }
    llms:
      - { name: Chatty, target: chatty }
      - { name: Blind, target: blind }
      - { name: Both, target: both }
      - { name: Mixed, target: broken, fallbacks: [both] }
      - { name: Back, target: broken, fallbacks: [chatty] }
      - { name: Broken, target: broken }
      - { name: Strict, target: strict }
      - { name: Small, target: small }
`;

export const LABELS = ['Chatty', 'Blind', 'Both', 'Mixed', 'Back', 'Broken', 'Strict', 'Small'];

export const FUNCTION = {
  type: 'function' as const,
  name: 'look',
  parameters: { type: 'object', properties: {} },
  strict: false,
};
export const TOOL = { name: 'look', input_schema: { type: 'object' as const, properties: {} } };

export const json = (value: unknown, status = 200): CustomAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  chunks: [Buffer.from(JSON.stringify(value))],
});
export const events = (...chunks: string[]): CustomAnswer => ({
  chunks: chunks.map((chunk) => Buffer.from(chunk)),
});
export const chunk = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
export const ask = {
  max_tokens: 200,
  messages: [{ role: 'user' as const, content: 'Say something short, please.' }],
};

export const RESPONSE = {
  id: 'resp_native1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  error: null,
  model: 'both',
  output: [
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'native words', annotations: [] }],
    },
  ],
  usage: {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 1 },
    output_tokens: 2,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 5,
  },
};
export const MESSAGE = {
  id: 'msg_native1',
  type: 'message',
  role: 'assistant',
  model: 'both',
  content: [{ type: 'text', text: 'native words' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 3, cache_read_input_tokens: 4, output_tokens: 2 },
};

export interface World {
  readonly whole: Whole;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  /** What the stand-ins say; null: their own. Set anew for each test. */
  respond: ((seen: Seen) => CustomAnswer | null) | null;
  /** The last request that a stand-in got. */
  readonly seen: () => Seen;
}

/** Starts it before a file's tests and stops it after them. */
export function dialectsWorld(): World {
  const world = { respond: null, seen: () => world.whole.llms.seen.at(-1)! } as unknown as {
    -readonly [K in keyof World]: World[K];
  };
  before(async () => {
    world.whole = await startWhole({
      config: CONFIG,
      standIns: false,
      connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'Chatty')),
      llms: { respond: (request) => world.respond?.(request) ?? null },
    });
    const { url } = world.whole;
    world.openai = new OpenAI({ apiKey: 'client-key', baseURL: `${url}/v1`, maxRetries: 0 });
    world.anthropic = new Anthropic({ apiKey: 'client-key', baseURL: url, maxRetries: 0 });
  });
  after(() => world.whole?.stop());
  beforeEach(() => {
    world.respond = null;
    world.whole.llms.seen.length = 0;
  });
  return world;
}
