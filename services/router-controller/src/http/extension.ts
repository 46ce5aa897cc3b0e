/** Reads what a request says of its routing: v1's `nim-llm-router` object, or a virtual model name. */

import { mayUseTarget, type Rights, visibleTo } from '../authenticate/index.ts';
import { AUTO, isAuto } from '../config/auto.ts';
import { hint } from '../config/problems.ts';
import { CHOOSE_KEYS } from '../config/schema-value.ts';
import type { Choose, Policy, RoutingTable } from '../config/types.ts';
import { findManual } from '../decide/index.ts';
import { echo } from '../echo.ts';
import { RouterError } from '../errors.ts';
import { type ChatBody, type Dialect, EXTENSION, type RouterExtension } from '../request.ts';
import { BY_HEADER, headerOf, type RequestHeaders, readBounds } from './bounds.ts';
import { pointNamed, pointNames } from './points.ts';

export { AUTO };

const FIELDS = [
  'policy',
  'routing_strategy',
  'model',
  'threshold',
  'targets',
  'exclude',
  'max_price',
  'max_cost_usd',
  ...CHOOSE_KEYS,
];

/** What is the upstream's of a body. */
export function withoutExtension(body: ChatBody): ChatBody {
  if (!(EXTENSION in body)) return body;
  const { [EXTENSION]: _stripped, ...own } = body;
  return own;
}

const invalid = (param: string, message: string) => new RouterError('invalid_request', message, { param });

/** Names that an error may tell the caller. */
const policyNames = (rights: Rights, table: RoutingTable): string[] =>
  visibleTo(rights, table).policies.map(({ policy }) => policy.name);

function policyNamed(table: RoutingTable, rights: Rights, name: string, param: string): Policy {
  const policy = table.policies.get(name);
  if (policy) return policy;
  const names = policyNames(rights, table);
  throw new RouterError(
    'policy_not_found',
    `Policy '${echo(name)}' not found.${hint(name, names)} Policies: ${names.join(', ')}`,
    { param },
  );
}

function optionalString(value: unknown, param: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw invalid(param, `'${param}' must be a string`);
  return value.trim();
}

export interface Routing {
  readonly policy: Policy;
  readonly extension: RouterExtension;
}

/** Stock clients: `model` names a policy, `auto`, or an entry or model of the default policy. */
function fromModel(table: RoutingTable, rights: Rights, body: ChatBody): Routing {
  const model = optionalString(body.model, 'model');
  const named = table.policies.get(model) ?? table.policies.get(table.aliases.get(model.toLowerCase()) ?? '');
  const byDefault = table.defaultPolicy === null ? undefined : table.policies.get(table.defaultPolicy);
  if (named || (byDefault && model === '')) return routed((named ?? byDefault)!);
  const point = pointNamed(table, model);
  if (point) return routed(point.policy, point.choose);
  const mine = [...table.policies.values()].filter(({ name }) => rights.policies?.includes(name) ?? true);
  const policies = byDefault ? [byDefault] : mine;
  // v1's file names no default policy: there the first one is meant, and a model is looked for in all.
  const called = table.policies.get(AUTO);
  if (isAuto(model) && (called ?? policies[0])) return routed((called ?? policies[0])!);
  const found = policies.filter((each) => model !== '' && findManual(each, model) !== null);
  const mayUse = (each: Policy) => {
    const target = findManual(each, model, rights.targets)?.target;
    return !target || mayUseTarget(rights.targets, target.name);
  };
  const policy = found.find(mayUse) ?? found[0];
  if (policy)
    return { policy, extension: { policy: policy.name, strategy: 'manual', model, threshold: null } };
  const names = policyNames(rights, table);
  if (model === '') {
    throw invalid(
      EXTENSION,
      `The request names no policy and the configuration no default_policy. Send '${EXTENSION}': {"policy": …} or a policy's ` +
        `name as model. Policies: ${names.join(', ')}`,
    );
  }
  const known = [
    ...names,
    AUTO,
    ...[...table.policies.values()].flatMap((each) =>
      names.includes(each.name) ? pointNames(each, each.name) : [],
    ),
  ];
  throw new RouterError(
    'model_not_found',
    `Model not found: ${echo(model)}.${hint(model, known)} Use one of: ${known.join(', ')}; GET /v1/models lists all`,
    { param: 'model' },
  );
}

const routed = (policy: Policy, choose: Choose | null = null): Routing => ({
  policy,
  extension: { policy: policy.name, strategy: 'triton', model: null, threshold: null, choose },
});

/** What a request says of itself comes before what its model name stands for. */
function bounded(
  plain: RouterExtension,
  bounds: ReturnType<typeof readBounds>,
  point: Choose | null = plain.choose ?? null,
): RouterExtension {
  return { ...plain, ...bounds, choose: bounds.choose ?? point };
}

/**
 * Validates the extension and finds the policy. The body is not changed.
 *
 * @throws RouterError invalid_request naming the field and what it may be; policy_not_found
 */
export function readRouting(
  table: RoutingTable,
  body: ChatBody,
  rights: Rights,
  headers: RequestHeaders = {},
): Routing {
  const extension = body[EXTENSION];
  const byHeader = headerOf(headers, BY_HEADER.policy);
  if (extension === undefined || extension === null) {
    const { policy, extension: plain } =
      byHeader === ''
        ? fromModel(table, rights, body)
        : routed(policyNamed(table, rights, byHeader, BY_HEADER.policy));
    return { policy, extension: bounded(plain, readBounds(table, policy, {}, headers, rights)) };
  }
  if (typeof extension !== 'object' || Array.isArray(extension)) {
    throw invalid(EXTENSION, `'${EXTENSION}' must be an object with the fields ${FIELDS.join(', ')}`);
  }
  const fields = extension as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    if (!FIELDS.includes(key)) {
      throw invalid(
        `${EXTENSION}.${key}`,
        `'${EXTENSION}' has no field '${echo(key)}'.${hint(key, FIELDS)} Fields: ${FIELDS.join(', ')}`,
      );
    }
  }
  const at = (field: string) => `${EXTENSION}.${field}`;
  const wanted = optionalString(fields.policy, at('policy'));
  const bodyModel = typeof body.model === 'string' ? body.model.trim() : '';
  const point = pointNamed(table, bodyModel);
  const name =
    wanted ||
    byHeader ||
    point?.policy.name ||
    (table.policies.has(bodyModel) ? bodyModel : '') ||
    table.aliases.get(bodyModel.toLowerCase()) ||
    (table.defaultPolicy ?? '');
  if (name === '') {
    const names = policyNames(rights, table).join(', ');
    throw invalid(
      at('policy'),
      `'${at('policy')}' is missing and the configuration has no default_policy. Policies: ${names}`,
    );
  }
  const strategy = fields.routing_strategy ?? 'triton';
  if (strategy !== 'triton' && strategy !== 'manual') {
    throw invalid(at('routing_strategy'), `'${at('routing_strategy')}' must be "triton" or "manual"`);
  }
  const model = optionalString(fields.model, at('model'));
  if (strategy === 'manual' && model === '') {
    throw invalid(
      at('model'),
      `'${at('model')}' is required with routing_strategy "manual": the name of an entry, or a model id`,
    );
  }
  const policy = policyNamed(table, rights, name, at('policy'));
  return {
    policy,
    extension: bounded(
      { policy: name, strategy, model: strategy === 'manual' ? model : null, threshold: null },
      readBounds(table, policy, fields, headers, rights),
      point?.policy === policy ? point.choose : null,
    ),
  };
}

/**
 * Checks what the router itself reads of a body; all else is for the upstream to judge.
 *
 * @throws RouterError invalid_request
 */
export function checkBody(body: unknown, dialect: Dialect): asserts body is ChatBody {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new RouterError('invalid_request', 'The body must be a JSON object');
  }
  const { messages, prompt, input, stream } = body as ChatBody;
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    throw invalid('stream', "'stream' must be a boolean");
  if (dialect === 'completions' && messages === undefined) {
    if (prompt !== undefined) return;
    throw invalid('prompt', "'prompt' is missing: a text, an array of texts, or token ids");
  }
  if (dialect === 'responses') return checkInput(input);
  if (!Array.isArray(messages) || messages.length === 0) {
    throw invalid('messages', "'messages' must be an array of at least one message");
  }
  for (const [index, message] of messages.entries()) {
    if (message === null || typeof message !== 'object' || typeof message.role !== 'string') {
      throw invalid(`messages[${index}]`, `'messages[${index}]' must be an object with a role`);
    }
  }
}

/** A response may go on from an earlier one, or from a stored prompt, without input of its own. */
function checkInput(input: unknown): void {
  if (input === undefined || input === null || typeof input === 'string') return;
  if (!Array.isArray(input)) throw invalid('input', "'input' must be a text or an array of items");
  for (const [index, item] of input.entries()) {
    if (item === null || typeof item !== 'object')
      throw invalid(`input[${index}]`, `'input[${index}]' must be an item object`);
  }
}
