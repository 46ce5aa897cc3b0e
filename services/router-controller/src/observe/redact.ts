/** Keeps secrets out of the log, whoever passes them in. */

import { inSources } from './places.ts';
import { secrets } from './secrets/index.ts';

/** Field names whose values never belong in a log. Counts of tokens are no secrets, so names are matched whole. */
const SECRET_FIELD =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookie|(?:x-)?(?:goog-)?api[-_]?key|apikey|pass(?:word|wd|phrase)|(?:access|refresh|id|session|auth|bearer)?[-_]?token|(?:client[-_]?)?secret|private[-_]?key|credentials?)$/i;

/**
 * Values that look like keys, wherever they stand. Each alternative is linear: what it repeats can't begin again inside the run
 * that it has just read.
 */
const SECRET_VALUE =
  // Keys by their issuers' prefixes: NVIDIA, OpenAI and its likes, ours, GitHub, GitLab, Slack, Hugging Face, Groq, Google, AWS;
  // then credentials of headers, private keys, and passwords in URLs, where the user's name stays.
  /\b(?:nvapi-|sk-|llmr_|gh[opsur]_|github_pat_|glpat-|xox[abprs]-|hf_|gsk_|AIza|AKIA)[\w-]{6,}|\b(?:Bearer|Basic)\s+[\w.~+/-]{8,}=*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)|(?<=:\/\/[^\s/:@]{0,200}:)[^\s/@]+(?=@)/gi;

/** Three parts with dots between; the first run is read once, wherever in it a token may begin. */
const DOTTED = /(?<![\w-])[\w-]{11,}\.[\w-]{8,}\.[\w-]*/g;
/** How a JSON web token begins: `{"` in base64. */
const TOKEN = /\beyJ[\w-]{8}/;

const HIDDEN = '[REDACTED]';
/** Logs are flat here; deeper things are somebody's whole objects. */
const MAX_DEPTH = 5;
/** Longer strings are somebody's whole bodies. */
const MAX_CHARS = 16_384;

/** A JSON web token in a run of its letters, hidden; what stands before it stays. */
function hideToken(dotted: string): string {
  const first = dotted.slice(0, dotted.indexOf('.'));
  const at = first.search(TOKEN);
  return at < 0 ? dotted : `${dotted.slice(0, at)}${HIDDEN}`;
}

function redactText(text: string): string {
  // The cut must not leave half a secret, which nobody would know again; the line as a whole is searched in log.ts.
  const whole =
    text.length > MAX_CHARS ? `${secrets.excerpt(text, MAX_CHARS)}… (${text.length} characters)` : text;
  return whole.replaceAll(DOTTED, hideToken).replaceAll(SECRET_VALUE, HIDDEN);
}

/** Names of fields are few, and each line has thirty of them. */
const MOST_NAMES = 1_000;
const judged = new Map<string, boolean>();

/** True when a field's value is hidden whatever it is. */
export function isSecretField(name: string): boolean {
  const known = judged.get(name);
  if (known !== undefined) return known;
  const secret = SECRET_FIELD.test(name);
  if (judged.size < MOST_NAMES) judged.set(name, secret);
  return secret;
}

/** What stands in every value that {@link redact} would change, also where JSON has escaped what is around it. */
const TRIGGER =
  /nvapi-|sk-|llmr_|gh[opsur]_|github_pat_|glpat-|xox[abprs]-|hf_|gsk_|AIza|AKIA|Bearer|Basic|-----BEGIN|eyJ/i;

/** True when JSON text may hold a value that looks like a secret; false: it surely holds none. */
export const mayHoldSecret = (json: string): boolean =>
  TRIGGER.test(json) || (json.includes('://') && json.includes('@'));

/** True when {@link redact} would change nothing of a value but secrets in its strings. */
export function isPlain(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case 'string':
      return value.length <= MAX_CHARS;
    case 'object':
      break;
    case 'bigint':
      return false;
    default:
      return true;
  }
  if (value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isPlain(item, depth + 1)) return false;
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    // Dates, errors and what tells its JSON itself are written by redact.
    if (typeof member === 'function' || isSecretField(name) || !isPlain(member, depth + 1)) return false;
  }
  return true;
}

/** Copies a value with secrets replaced, by field name and by pattern. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth >= MAX_DEPTH) return '[too deep to log]';
  if (value instanceof Error) {
    return {
      name: value.name,
      message: redactText(value.message),
      stack: value.stack && redactText(inSources(value.stack)),
      ...(value.cause !== undefined && { cause: redact(value.cause, depth + 1) }),
    };
  }
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isSecretField(key) ? HIDDEN : redact(item, depth + 1)]),
  );
}
