/** v1's `GET /config`: the policies as they are in force, as far as the caller may use them. */
import { type Rights, type VisibleEntry, type VisiblePolicy, visibleTo } from '../authenticate/index.ts';
import type { ClassifierEndpoint, RouterConfig, Target } from '../config/types.ts';

const REDACTED = '[REDACTED]';

/** All that there is, for those who run the router. */
export const EVERYTHING: Rights = { policies: null, targets: null };

const urlOf = ({ protocol, address, model }: ClassifierEndpoint) =>
  protocol === 'http' ? `${address}/v2/models/${model}/infer` : `${protocol}://${address}/${model}`;

/**
 * Keys are `[REDACTED]` for everybody; headers of targets may hold credentials, so only their names are told.
 *
 * @param addresses tell also where targets and classifiers are and how their headers are called: the operator's own network,
 * which no key needs to know.
 */
export function publicConfig(config: RouterConfig, rights: Rights, addresses: boolean): unknown {
  const upstream = (target: Target) => ({
    target: target.name,
    api_base: addresses ? target.apiBase : REDACTED,
    ...(addresses &&
      target.replicas.length > 0 && { replicas: target.replicas.map(({ apiBase }) => apiBase) }),
    api_key: REDACTED,
    model: target.model,
    ...(addresses && Object.keys(target.headers).length > 0 && { headers: Object.keys(target.headers) }),
  });
  const entryOf = ({ entry, targets }: VisibleEntry) => {
    const mine = new Set(targets);
    const routes = entry.routes.filter(({ target }) => mine.has(target));
    const fallbacks = entry.fallbacks.filter((target) => mine.has(target));
    return {
      name: entry.name,
      ...(routes[0] && upstream(routes[0].target)),
      ...(routes.length > 1 && {
        targets: routes.map(({ target, weight, priority }) => ({ ...upstream(target), weight, priority })),
      }),
      ...(fallbacks.length > 0 && { fallbacks: fallbacks.map(upstream) }),
    };
  };
  const policyOf = ({ policy, entries }: VisiblePolicy) => ({
    name: policy.name,
    ...(policy.value && {
      kind: 'value',
      choose: { [policy.value.choose.by]: policy.value.choose.at },
      points: [...policy.value.points.keys()],
    }),
    url: addresses ? urlOf(policy.endpoints[0]!) : REDACTED,
    threshold: policy.threshold,
    fallback: entries.find(({ entry }) => entry === policy.fallback)?.entry.name ?? null,
    llms: entries.map(entryOf),
  });
  const visible = visibleTo(rights, config.table);
  return {
    version: config.version,
    default_policy: visible.defaultPolicy,
    policies: visible.policies.map(policyOf),
  };
}
