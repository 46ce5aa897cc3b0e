/** Which targets take what is passed on without a decision. */
import { mayReach } from '../../authenticate/index.ts';
import { STANDARD_PASSES, STORING_PASSES } from '../../config/schema-table.ts';
import { allTargets, type RouterConfig, type Target } from '../../config/types.ts';
import { echo } from '../../echo.ts';
import { RouterError } from '../../errors.ts';
import type { Caller } from '../../request.ts';

/** Names the target by itself; for paths whose requests name no model, as files and batches. */
export const TARGET_HEADER = 'x-llm-router-target';

/** A path that a proxy or server on the way could read as another one is none of ours. */
const PATH = /^\/v1\/[\w.~:@!$&'()*+,;=%-]{1,200}(?:\/[\w.~:@!$&'()*+,;=%-]{1,200}){0,8}$/;
const TRICK = /%(?:2e|5c|00|25)|\/\.{1,2}(?:[;/]|$)/i;

/** Slashes inside a segment are no harm where they make no other path: ids of models have them. */
const SLASH = /%2f/gi;
const EMPTY = /\/\/|\/$/;

/** @throws RouterError not_found for a path that is none */
export function checkPath(path: string): void {
  const meant = path.replaceAll(SLASH, '/');
  if (PATH.test(path) && !TRICK.test(meant) && !EMPTY.test(meant)) return;
  throw new RouterError('not_found', `No such path: ${echo(path)}. Paths are passed on as /v1/NAME/…`);
}

/** `/v1/audio/*` stands for everything below `/v1/audio`, and for itself. */
function matches(rule: string, path: string): boolean {
  if (!rule.endsWith('/*')) return rule === path;
  const folder = rule.slice(0, -2);
  return path === folder || path.startsWith(`${folder}/`);
}

export interface PassRule {
  /** As the configuration names it; bounded, so it is a metric's label. */
  readonly name: string;
  /** Targets that take the path and that the caller may use. */
  readonly targets: readonly Target[];
  /** All that the caller may not use: one of them that is asked for by name or model is refused, not replaced. */
  readonly forbidden: readonly Target[];
  /** Takes what no rule or model names; null: none does. */
  readonly byDefault: Target | null;
}

/**
 * What may become of a path; null: nobody takes it.
 *
 * @param shared keys are asked for, so several parties share the operator's account at the upstream.
 */
export function ruleFor(
  config: RouterConfig,
  caller: Caller,
  path: string,
  shared: boolean,
): PassRule | null {
  const { table, file } = config;
  const may = mayReach(caller, table);
  const first = allTargets(table).filter(({ id, name }) => id === name);
  const rulesOf = ({ passes }: Target) =>
    passes ?? (shared ? STANDARD_PASSES : [...STANDARD_PASSES, ...STORING_PASSES]);
  const taking = first.filter((target) => rulesOf(target).some((rule) => matches(rule, path)));
  const name = file.passthrough.default_target;
  const byDefault = name === undefined ? undefined : table.targets.get(name);
  if (taking.length === 0 && !byDefault) return null;
  const rule = (taking[0] ? rulesOf(taking[0]) : []).find((each) => matches(each, path));
  const targets = taking.filter(may);
  if (targets.length === 0 && !(byDefault && may(byDefault))) {
    throw new RouterError('permission_denied', `This key may use no target that takes ${echo(path)}`);
  }
  return {
    name: rule ?? 'default',
    targets,
    forbidden: first.filter((target) => !may(target)),
    byDefault: byDefault && may(byDefault) ? byDefault : null,
  };
}

/**
 * The target of one request.
 *
 * @param model as the body names it; null: it names none.
 * @throws RouterError model_not_found, permission_denied; invalid_request where only the client can say which one is meant
 */
export function chooseTarget(rule: PassRule, model: string | null, named: string | null): Target {
  const all = [...new Set([...rule.targets, ...(rule.byDefault ? [rule.byDefault] : [])])];
  const names = all.map(({ name }) => name).join(', ');
  const isNamed = (each: Target) => each.model === model || each.name === model;
  if (model !== null && !all.some(isNamed) && rule.forbidden.some(isNamed)) {
    throw new RouterError(
      'permission_denied',
      `This key may not use '${echo(model)}'; it may use: ${names}`,
      {
        param: 'model',
      },
    );
  }
  if (named !== null) {
    const target = all.find(({ name }) => name === named);
    if (target) return target;
    throw new RouterError(
      'permission_denied',
      `No target '${echo(named)}' takes this path for this key; there is: ${names}`,
      {
        param: TARGET_HEADER,
      },
    );
  }
  if (model !== null) {
    const target = all.find((each) => each.model === model) ?? all.find(({ name }) => name === model);
    if (target) return target;
    if (rule.byDefault) return rule.byDefault;
    throw new RouterError(
      'model_not_found',
      `Model not found: ${echo(model)}. This path is taken by: ${rule.targets.map((each) => each.model).join(', ')}`,
      { param: 'model' },
    );
  }
  if (rule.byDefault) return rule.byDefault;
  if (all.length === 1) return all[0]!;
  throw new RouterError(
    'invalid_request',
    `Several targets take this path and the request names no model: say which with the header ${TARGET_HEADER}: ${names}`,
    { param: TARGET_HEADER },
  );
}
