/** Shapes of what the router itself reads and answers. Everything else of a body is open. */
import { CHOOSE } from '../../config/schema-value.ts';
import { EXTENSION } from '../../request.ts';

const text = { type: 'string' };
const number = { type: 'number' };
const count = { type: 'integer', minimum: 0 };
const flag = { type: 'boolean' };
const nullable = (schema: { type: string }) => ({ ...schema, type: [schema.type, 'null'] });
const open = (properties: object, required: string[] = []) => ({
  type: 'object',
  properties,
  ...(required.length > 0 && { required }),
  additionalProperties: true,
});
const list = (items: object, more: object = {}) => ({ type: 'array', items, ...more });
const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const ROUTED = {
  model: {
    ...nullable(text),
    description: '`auto`, a policy’s name, an alias, or a model of the default policy',
  },
  stream: nullable(flag),
  [EXTENSION]: { anyOf: [reference('Routing'), { type: 'null' }] },
};
/** Names of targets. */
const names = list(text, { minItems: 1, maxItems: 64 });
/** Policies of kind value: one of them, instead of the policy's own setting. */
const choose = Object.fromEntries(
  Object.entries(CHOOSE).map(([key, schema]) => [
    key,
    {
      type: ['number', 'null'],
      minimum: 0,
      ...(key !== 'willingness_usd' && { maximum: 1 }),
      description: schema.description,
    },
  ]),
);
const message = open({ role: text, content: {} }, ['role']);

export const SCHEMAS: Readonly<Record<string, object>> = {
  Routing: {
    type: 'object',
    description: 'v1’s request extension; it never goes upstream',
    properties: {
      policy: nullable(text),
      routing_strategy: { enum: ['triton', 'manual', null] },
      model: { ...nullable(text), description: 'For `manual`: an entry’s name or a model id' },
      threshold: { type: ['number', 'null'], minimum: 0, maximum: 1 },
      targets: { ...nullable(names), description: 'Only these, by name or model id' },
      exclude: { ...nullable(names), description: 'Not these' },
      max_price: {
        type: ['number', 'null'],
        minimum: 0,
        description: 'USD per million input tokens; targets without a price are left out',
      },
      max_cost_usd: {
        type: ['number', 'null'],
        minimum: 0,
        description: 'Most that this request may be expected to cost, USD',
      },
      ...choose,
    },
    additionalProperties: true,
  },
  ChatRequest: open({ ...ROUTED, messages: list(message, { minItems: 1 }) }, ['messages']),
  CompletionRequest: open({ ...ROUTED, prompt: {} }),
  ResponseRequest: open({
    ...ROUTED,
    input: { anyOf: [text, list({ type: 'object' }), { type: 'null' }] },
    instructions: {},
  }),
  MessagesRequest: open(
    { ...ROUTED, max_tokens: count, system: {}, messages: list(message, { minItems: 1 }) },
    ['messages'],
  ),
  Answer: {
    type: 'object',
    description: 'The model’s answer, as the dialect has it',
    additionalProperties: true,
  },
  RouteRequest: {
    anyOf: [reference('RouteItem'), list(reference('RouteItem'), { maxItems: 256 })],
  },
  RouteItem: open({ ...ROUTED, messages: list(message), prompt: {}, input: {} }),
  Decision: open(
    {
      policy: text,
      entry: text,
      label: nullable(text),
      confidence: { type: ['number', 'null'], minimum: 0, maximum: 1 },
      scores: { type: ['object', 'null'], additionalProperties: number },
      reason: text,
      rule: { ...nullable(text), description: 'Name of the rule that decided' },
      target: text,
      model: text,
      fallbacks: list(text),
      passed_over: list(open({ target: text, why: text })),
      extra_body: { type: ['object', 'null'] },
      truncated: flag,
      ask: open({ text, source: text, cut: flag, evidence: nullable(text) }),
      features: open({ path: text, agent: nullable(text), side_request: nullable(text), evidence: open({}) }),
      turn: open({ kind: { enum: ['first', 'next', 'loop'] }, second_look: flag }),
      value: {
        anyOf: [reference('Weighed'), { type: 'null' }],
        description: 'Of policies of kind value: what was weighed',
      },
      conversation: { ...nullable(text), description: 'Digest of the conversation that is kept' },
    },
    ['policy', 'entry', 'reason', 'target', 'model'],
  ),
  FeedbackRequest: {
    type: 'object',
    properties: {
      request_id: { ...text, description: 'x-request-id of an answer' },
      score: { type: 'number', minimum: 0, maximum: 1 },
      source: { enum: ['user', 'judge', 'test'], default: 'user' },
    },
    required: ['request_id', 'score'],
    additionalProperties: false,
  },
  Feedback: open(
    {
      object: { const: 'feedback' },
      request_id: text,
      policy: text,
      target: text,
      score: number,
      source: text,
      predicted: {
        type: ['number', 'null'],
        description: 'P that its answer is good, of policies of kind value',
      },
      counted: { ...flag, description: 'false: a score of this source was there before, and stands' },
    },
    ['object', 'request_id', 'policy', 'target', 'counted'],
  ),
  Weighed: open({
    choose: { type: 'object', additionalProperties: number },
    familiarity: { type: ['number', 'null'] },
    propensity: number,
    targets: list(
      open({
        target: text,
        quality: { type: 'number', minimum: 0, maximum: 1 },
        cost_usd: number,
        input_tokens: number,
        cached_tokens: number,
        output_tokens: number,
        why: { ...nullable(text), description: 'Why it may not be asked' },
      }),
    ),
  }),
  Decisions: { anyOf: [reference('Decision'), list({ anyOf: [reference('Decision'), reference('Error')] })] },
  Model: open(
    {
      id: text,
      object: { const: 'model' },
      created: count,
      owned_by: text,
      context_window: count,
      input_modalities: list(text),
      pricing: { type: 'object', additionalProperties: text },
    },
    ['id', 'object', 'created', 'owned_by'],
  ),
  Models: open({ object: { const: 'list' }, data: list(reference('Model')) }, ['object', 'data']),
  Usage: open(
    { object: { const: 'usage' }, scope: { enum: ['key', 'tenant'] }, id: text, total: { type: 'object' } },
    ['object', 'scope'],
  ),
  Config: open({}),
  Status: open({ status: text }, ['status']),
  Error: {
    type: 'object',
    properties: {
      error: {
        type: 'object',
        properties: { message: text, type: text, param: nullable(text), code: nullable(text) },
        required: ['message', 'type'],
        additionalProperties: true,
      },
    },
    required: ['error'],
    additionalProperties: true,
  },
};
