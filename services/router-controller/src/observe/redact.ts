/** Keeps secrets out of the log, whoever passes them in. */

/** Field names whose values never belong in a log. Counts of tokens are no secrets, so names are matched whole. */
const SECRET_FIELD =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookie|(?:x-)?(?:goog-)?api[-_]?key|apikey|pass(?:word|wd|phrase)|(?:access|refresh|id|session|auth|bearer)?[-_]?token|(?:client[-_]?)?secret|private[-_]?key|credentials?)$/i;

/** Values that look like keys, wherever they stand. */
const SECRET_VALUE = new RegExp(
  [
    // Keys by their issuers' prefixes: NVIDIA, OpenAI and its likes, ours, GitHub, GitLab, Slack, Hugging Face, Groq, Google, AWS.
    String.raw`\b(?:nvapi-|sk-|llmr_|gh[opsur]_|github_pat_|glpat-|xox[abprs]-|hf_|gsk_|AIza|AKIA)[\w-]{6,}`,
    String.raw`\b(?:Bearer|Basic)\s+[\w.~+/-]{8,}=*`,
    // JSON web tokens.
    String.raw`\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*`,
    String.raw`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`,
    // Passwords in URLs; the user's name stays.
    String.raw`(?<=://[^\s/:@]{0,200}:)[^\s/@]+(?=@)`,
  ].join('|'),
  'gi',
);

const HIDDEN = '[REDACTED]';
/** Logs are flat here; deeper things are somebody's whole objects. */
const MAX_DEPTH = 5;
/** Longer strings are somebody's whole bodies. */
const MAX_CHARS = 16_384;

function redactText(text: string): string {
  const whole = text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}… (${text.length} characters)` : text;
  return whole.replaceAll(SECRET_VALUE, HIDDEN);
}

/** True when a field's value is hidden whatever it is. */
export const isSecretField = (name: string): boolean => SECRET_FIELD.test(name);

/** Copies a value with secrets replaced, by field name and by pattern. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth >= MAX_DEPTH) return '[too deep to log]';
  if (value instanceof Error) {
    return {
      name: value.name,
      message: redactText(value.message),
      stack: value.stack && redactText(value.stack),
      ...(value.cause !== undefined && { cause: redact(value.cause, depth + 1) }),
    };
  }
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isSecretField(key) ? HIDDEN : redact(item, depth + 1)]),
  );
}
