/** GET /v1/models and /v1/models/{id}: what a client may name as `model`. */
import type { Request, Response } from 'express';
import { ANONYMOUS, mayReach, visibleTo } from '../authenticate/index.ts';
import { allTargets, type RouterConfig, type Target } from '../config/types.ts';
import { RouterError } from '../errors.ts';
import type { Caller } from '../request.ts';
import { AUTO } from './extension.ts';
import { pointNames } from './points.ts';

/** `created` of all models: they came with the process. */
const CREATED = Math.floor(Date.now() / 1000);

interface Model {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
  readonly [more: string]: unknown;
}

const plain = (id: string, owned_by: string): Model => ({ id, object: 'model', created: CREATED, owned_by });

const MODALITIES = ['vision', 'audio'] as const;

/** What is known of one upstream model, under the names that OpenRouter's list made common. */
function modelOf({ model, capabilities, price }: Target): Model {
  const input = [
    'text',
    ...MODALITIES.filter((each) => capabilities[each]).map((each) => (each === 'vision' ? 'image' : each)),
  ];
  return {
    ...plain(model, model.includes('/') ? model.slice(0, model.indexOf('/')) : 'upstream'),
    ...(capabilities.context_tokens !== undefined && { context_window: capabilities.context_tokens }),
    ...(MODALITIES.some((each) => capabilities[each] !== undefined) && { input_modalities: input }),
    ...(price && {
      // USD a token.
      pricing: {
        prompt: String(price.input / 1e6),
        completion: String(price.output / 1e6),
        ...(price.cached_input !== undefined && { input_cache_read: String(price.cached_input / 1e6) }),
      },
    }),
  };
}

/** A virtual model can take what the largest of its targets takes. */
function virtualOf(id: string, targets: readonly Target[]): Model {
  const windows = targets.flatMap(({ capabilities }) => capabilities.context_tokens ?? []);
  const can = (name: (typeof MODALITIES)[number]) => targets.some(({ capabilities }) => capabilities[name]);
  return {
    ...plain(id, 'llm-router'),
    ...(windows.length > 0 && { context_window: Math.max(...windows) }),
    ...((can('vision') || can('audio')) && {
      input_modalities: ['text', ...(can('vision') ? ['image'] : []), ...(can('audio') ? ['audio'] : [])],
    }),
  };
}

/** Models as this caller may name them: its policies and `auto` first, then upstream ids; no id twice. */
export function modelsFor({ table }: RouterConfig, caller: Caller): Model[] {
  const { defaultPolicy } = table;
  const allowed = visibleTo(caller, table).policies.map(({ policy }) => policy);
  const mayUse = ({ name }: Target) => caller.targets?.includes(name) ?? true;
  const targetsOf = (policy: (typeof allowed)[number]) => [
    ...new Set(
      [...policy.entries.values()].flatMap(({ routes }) => routes.map(({ target }) => target)).filter(mayUse),
    ),
  ];
  const models = new Map<string, Model>();
  const add = (model: Model) => {
    if (!models.has(model.id)) models.set(model.id, model);
  };
  for (const policy of allowed)
    for (const id of [policy.name, ...pointNames(policy, policy.name)]) add(virtualOf(id, targetsOf(policy)));
  // What can be named without a policy: of the default one, or of all where there is none, as in v1's file.
  const open = defaultPolicy === null ? allowed : allowed.filter(({ name }) => name === defaultPolicy);
  if (open[0]) for (const id of [AUTO, ...pointNames(open[0], AUTO)]) add(virtualOf(id, targetsOf(open[0])));
  for (const [alias, name] of table.aliases) {
    const policy = allowed.find((each) => each.name === name);
    if (policy) add(virtualOf(alias, targetsOf(policy)));
  }
  for (const target of open.flatMap(targetsOf)) add(modelOf(target));
  const passing = allTargets(table)
    .filter(mayReach(caller, table))
    .filter(({ passes }) => passes === null || passes.length > 0);
  for (const target of passing) add(modelOf(target));
  return [...models.values()];
}

export function sendModels(config: RouterConfig, caller: Caller, response: Response): void {
  response.json({ object: 'list', data: modelsFor(config, caller) });
}

const idOf = ({ params }: Request): string => {
  const { id } = params as { id?: string | string[] };
  return Array.isArray(id) ? id.join('/') : (id ?? '');
};

/** Whether a model is to be looked for here; where there is a default target, all that nobody has here is its own. */
export const isOurs = (config: RouterConfig, request: Request): boolean =>
  config.file.passthrough.default_target === undefined ||
  modelsFor(config, ANONYMOUS).some(({ id }) => id === idOf(request));

/** Ids may have slashes, as `meta/llama-3.1-8b-instruct` has. */
export function sendModel(config: RouterConfig, caller: Caller, request: Request, response: Response): void {
  const wanted = idOf(request);
  const model = modelsFor(config, caller).find((each) => each.id === wanted);
  if (!model) {
    throw new RouterError(
      'model_not_found',
      `Model not found: ${wanted.slice(0, 120)}. GET /v1/models lists those that you may name`,
      { param: 'model' },
    );
  }
  response.json(model);
}
