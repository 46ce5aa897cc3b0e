import type { RouterConfig, Target } from './types.ts';

const REDACTED = '[REDACTED]';

/**
 * v1's `GET /config`: the policies as they are in force, every key as `[REDACTED]`. Headers of targets may hold
 * credentials, so only their names are told.
 */
export function publicConfig(config: RouterConfig): unknown {
  const upstream = (target: Target) => ({
    target: target.name,
    api_base: target.apiBase,
    ...(target.replicas.length > 0 && { replicas: target.replicas.map(({ apiBase }) => apiBase) }),
    api_key: REDACTED,
    model: target.model,
    ...(Object.keys(target.headers).length > 0 && { headers: Object.keys(target.headers) }),
  });
  return {
    version: config.version,
    default_policy: config.table.defaultPolicy,
    policies: [...config.table.policies.values()].map((policy) => ({
      name: policy.name,
      url: policy.endpoints.map(({ protocol, address, model }) =>
        protocol === 'grpc' ? `grpc://${address}/${model}` : `${address}/v2/models/${model}/infer`,
      )[0],
      threshold: policy.threshold,
      fallback: policy.fallback?.name ?? null,
      llms: [...policy.entries.values()].map((entry) => ({
        name: entry.name,
        ...(entry.routes[0] && upstream(entry.routes[0].target)),
        ...(entry.routes.length > 1 && {
          targets: entry.routes.map(({ target, weight, priority }) => ({
            ...upstream(target),
            weight,
            priority,
          })),
        }),
        ...(entry.fallbacks.length > 0 && { fallbacks: entry.fallbacks.map(upstream) }),
      })),
    })),
  };
}
