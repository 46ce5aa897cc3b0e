/** Which headers cross the router, in each direction. */

export type HeaderBag = Readonly<Record<string, string | string[] | undefined>>;

/** RFC 9110 hop-by-hop headers: they speak of one connection. */
const HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** About the upstream's own site, or no longer true once relayed. */
const DROPPED =
  /^(?:set-cookie2?|alt-svc|strict-transport-security|server|date|via|nel|report-to|reporting-endpoints|refresh|location|www-authenticate|content-security-policy.*|access-control-.*|cross-origin-.*)$/;

/** The upstream's own names for what the router names too; kept under `x-upstream-…`. */
const RENAMED = /^(?:x-request-id|x-ratelimit-.+|openai-processing-ms|openai-organization)$/;

/** Ours alone: an upstream must not be able to speak in the router's name. */
const OURS = /^(?:x-chosen-classifier|x-llm-router-.+|x-should-retry|x-upstream-.+)$/;

const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
/** What node's HTTP server agrees to send. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Headers of an upstream's answer as the client gets them. Names listed in `connection` go too, and values that can't
 * be sent on.
 *
 * @param keepLength true when the body is relayed whole and unchanged.
 */
export function responseHeaders(upstream: HeaderBag, keepLength: boolean): Record<string, string | string[]> {
  const listed = new Set(
    String(upstream.connection ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase()),
  );
  const out: Record<string, string | string[]> = {};
  for (const [rawName, value] of Object.entries(upstream)) {
    const name = rawName.toLowerCase();
    if (value === undefined || HOP.has(name) || DROPPED.test(name) || listed.has(name) || OURS.test(name))
      continue;
    if (name === 'content-length' && !keepLength) continue;
    if (!NAME.test(name) || ![value].flat().every((text) => VALUE.test(text))) continue;
    out[RENAMED.test(name) ? `x-upstream-${name.replace(/^x-/, '')}` : name] = value;
  }
  return out;
}

/** What keeps proxies on the way from holding back or rewriting a stream. */
export const STREAM_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** Headers of the client that go upstream: all others, its key, cookies and organisation first, stay here. */
export function forwardedHeaders(client: HeaderBag): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of ['traceparent', 'tracestate'] as const) {
    const value = client[name];
    if (typeof value === 'string') out[name] = value;
  }
  return out;
}

/** Milliseconds an upstream asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date; null: none. */
export function retryAfterMs(headers: HeaderBag, now = Date.now()): number | null {
  const precise = Number.parseFloat(String(headers['retry-after-ms'] ?? ''));
  if (Number.isFinite(precise) && precise >= 0) return precise;
  const text = String(headers['retry-after'] ?? '').trim();
  if (text === '') return null;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : null;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
