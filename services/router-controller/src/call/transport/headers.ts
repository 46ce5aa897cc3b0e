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

/**
 * Standard names that say something of the answer itself. A list of what passes and not of what does not: browsers and proxies
 * act on ever more names (docs/decisions/0019).
 */
const STANDARD = new Set([
  'accept-ranges',
  'age',
  'cache-control',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'deprecation',
  'etag',
  'expires',
  'last-modified',
  'request-id',
  'retry-after',
  'retry-after-ms',
  'server-timing',
  'sunset',
  'traceparent',
  'tracestate',
]);

/** Names that somebody has made up for their own API or edge; nobody else acts on them. */
const VENDOR =
  /^(?:x|ai21|amz|amzn|anthropic|apim|azure|azureml|bedrock|cerebras|cf|cohere|databricks|deepseek|fireworks|goog|google|groq|helicone|inference|litellm|llm|mistral|mistralbatch|ms|nim|nv|nvcf|nvidia|openai|openrouter|portkey|ratelimit|sambanova|tgi|together|triton|vertex|vllm|watsonx|xai)-./;

/** Of those the ones that browsers or proxies act on after all: frames, sniffing, policies, files and pages of the proxy. */
const ACTED_ON =
  /^x-(?:accel-.*|content-.*|dns-prefetch-control|download-options|envoy-.*|forwarded-.*|frame-options|http-method-override|lighttpd-.*|original-.*|permitted-cross-domain-policies|pingback|powered-by|redirect-.*|reproxy-.*|rewrite-.*|robots-tag|sendfile.*|served-by|ua-compatible|webkit-.*|xss-protection)$/;

/** Types that a browser runs, or loads more for. */
const ACTIVE =
  /html|xml|svg|xsl|script|css|wasm|pdf|flash|java|mixed-replace|mhtml|multipart\/related|rfc822|manifest|component|hta/i;

/** What passes as it was told, and what a browser would run is called a text. */
const typeTold = (type: string | string[]): string =>
  ACTIVE.test(String(type)) ? 'text/plain; charset=utf-8' : String(Array.isArray(type) ? type[0] : type);

/** The upstream's own names for what the router names too; kept under `x-upstream-…`. */
const RENAMED = /^(?:x-request-id|x-ratelimit-.+|openai-processing-ms|openai-organization)$/;

/** Ours alone: an upstream must not be able to speak in the router's name. */
const OURS = /^(?:x-chosen-classifier|x-llm-router-.+|x-should-retry|x-upstream-.+)$/;

const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
/** What node's HTTP server agrees to send. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Upstreams send the same names again and again. */
const MOST_NAMES = 1_000;
/** A longer one is nobody's habit, and would be kept for good. */
const MOST_NAME_CHARS = 100;
const judged = new Map<string, string | null>();

/** Under which name a header passes; null: it stays here. */
function nameTold(name: string): string | null {
  let told = judged.get(name);
  if (told === undefined) {
    const passes = STANDARD.has(name) || (VENDOR.test(name) && !ACTED_ON.test(name));
    if (HOP.has(name) || OURS.test(name) || !passes || !NAME.test(name)) told = null;
    else told = RENAMED.test(name) ? `x-upstream-${name.replace(/^x-/, '')}` : name;
    if (judged.size < MOST_NAMES && name.length <= MOST_NAME_CHARS) judged.set(name, told);
  }
  return told;
}

const canBeSent = (value: string | string[]) =>
  typeof value === 'string' ? VALUE.test(value) : value.every((text) => VALUE.test(text));

/**
 * Headers of an upstream's answer as the client gets them: what speaks of the answer, and vendors' own. Names listed in
 * `connection` stay here, and values that can't be sent on.
 *
 * @param keepLength true when the body is relayed whole and unchanged.
 */
export function responseHeaders(upstream: HeaderBag, keepLength: boolean): Record<string, string | string[]> {
  const listed = String(upstream.connection ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  const out: Record<string, string | string[]> = {};
  for (const rawName in upstream) {
    const value = upstream[rawName];
    const name = rawName.toLowerCase();
    const told = nameTold(name);
    if (told === null || value === undefined || listed.includes(name)) continue;
    if ((name === 'content-length' && !keepLength) || !canBeSent(value)) continue;
    out[told] = name === 'content-type' ? typeTold(value) : value;
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
