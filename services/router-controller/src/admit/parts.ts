/**
 * A request asks its limits twice: before its body is read for requests and places, by what is known of the caller alone;
 * then for tokens, and for all that limits of policies count.
 */
import type { LimitConfig } from '../config/schema.ts';

const ofCaller = ({ scope }: LimitConfig) => scope === 'global' || scope === 'tenant' || scope === 'key';

/**
 * Limits that are asked first. Those that also count tokens are asked for none: who owes some is refused already.
 */
export const beforeBody = (limits: readonly LimitConfig[]): LimitConfig[] =>
  limits.filter(
    (limit) => ofCaller(limit) && (limit.requests_per_minute !== undefined || limit.concurrent !== undefined),
  );

/** What is left of the limits to ask then. */
export const afterBody = (limits: readonly LimitConfig[]): LimitConfig[] =>
  limits.flatMap((limit) => {
    if (limit.scope === 'policy') return [limit];
    if (!ofCaller(limit) || limit.tokens_per_minute === undefined) return [];
    return [{ ...limit, requests_per_minute: undefined, burst: undefined, concurrent: undefined }];
  });

/** The same limits, of requests alone: for a list, whose further requests are only known from its body. */
export const requestsOf = (limits: readonly LimitConfig[]): LimitConfig[] =>
  limits
    .filter(({ requests_per_minute }) => requests_per_minute !== undefined)
    .map((limit) => ({
      ...limit,
      concurrent: undefined,
      tokens_per_minute: undefined,
      burst_tokens: undefined,
    }));
