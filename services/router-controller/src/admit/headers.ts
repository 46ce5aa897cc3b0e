/** What limits tell the client. */
import { RouterError } from '../errors.ts';
import type { Level, Refusal, Verdict } from './limiter.ts';

/** Go-style duration, as OpenAI's reset headers have it: `12ms`, `1.5s`, `6m0s`. */
export function formatReset(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.ceil(ms))}ms`;
  const tenths = Math.ceil(ms / 100);
  if (tenths < 600) return `${tenths / 10}s`;
  const seconds = Math.ceil(ms / 1_000);
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

const levelHeaders = (kind: 'requests' | 'tokens', level: Level | null): Record<string, string> =>
  level === null
    ? {}
    : {
        [`x-ratelimit-limit-${kind}`]: String(level.limit),
        [`x-ratelimit-remaining-${kind}`]: String(level.remaining),
        [`x-ratelimit-reset-${kind}`]: formatReset(level.resetMs),
      };

/** x-ratelimit-* of the tightest limits that apply. */
export const rateLimitHeaders = ({ requests, tokens }: Verdict): Record<string, string> => ({
  ...levelHeaders('requests', requests),
  ...levelHeaders('tokens', tokens),
});

/** `retry-after` in whole seconds, and its exact sister that OpenAI's SDKs prefer. */
export const retryHeaders = (ms: number): Record<string, string> => ({
  'retry-after': String(Math.max(1, Math.ceil(ms / 1000))),
  'retry-after-ms': String(Math.max(1, Math.ceil(ms))),
});

/** A place comes free when some request ends, which nobody knows; clients ask again after this. */
const RETRY_PLACE_MS = 1_000;

const whoseIs = (scope: string, holder: string) =>
  scope === 'global' ? 'all callers together' : `${scope} '${holder}'`;

/** The 429 of a limit: which, whose, and when to come back. */
export function refused(
  { limit, holder, kind, retryAfterMs }: Refusal,
  headers: Record<string, string>,
): RouterError {
  const whose = whoseIs(limit.scope, holder);
  const what = {
    concurrent: `${limit.concurrent} requests at once`,
    requests: `${limit.requests_per_minute} requests per minute`,
    tokens: `${limit.tokens_per_minute} tokens per minute`,
    share: 'requests of your tenant that are under way have reserved its share (admission.tenant_share)',
  }[kind];
  const reached = kind === 'share' ? 'is shared' : 'is reached';
  return new RouterError('rate_limit_exceeded', `Limit '${limit.name}' of ${whose} ${reached}: ${what}`, {
    type: kind === 'tokens' || kind === 'share' ? 'tokens' : 'requests',
    headers: { ...headers, ...retryHeaders(retryAfterMs ?? RETRY_PLACE_MS) },
  });
}
