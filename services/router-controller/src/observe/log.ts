import { createLogger, format, type Logger, transports } from 'winston';

export type { Logger };

/** Field names whose values never belong in a log, whoever writes them. */
const SECRET_FIELD =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|api[-_]?key|password|token|secret)$/i;
/** Values that look like keys, wherever they stand. */
const SECRET_VALUE =
  /\b(?:nvapi-|sk-|llmr_|ghp_|xox[abp]-)[A-Za-z0-9_-]{6,}|\bBearer\s+[A-Za-z0-9._~+/-]{8,}=*|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;

/** Copies a value with secrets replaced, by field name and by pattern. Depth is bounded: logs are flat here. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.replaceAll(SECRET_VALUE, '[REDACTED]');
  if (value === null || typeof value !== 'object' || depth > 4) return value;
  if (value instanceof Error)
    return { name: value.name, message: redact(value.message), stack: redact(value.stack) };
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    out[key] = SECRET_FIELD.test(key) ? '[REDACTED]' : redact(item, depth + 1);
  }
  return out;
}

const redactFormat = format((info) => {
  for (const key of Object.keys(info)) {
    if (key === 'level' || key === 'timestamp') continue;
    info[key] = SECRET_FIELD.test(key) ? '[REDACTED]' : redact(info[key]);
  }
  return info;
});

/**
 * JSON lines through winston, one object a line. Writing is asynchronous (a stream); prompts and answers are never
 * passed in unless `logging.prompts` says so.
 *
 * @param stream where lines go; default stderr, which leaves stdout to the start message.
 */
export function createLog(options: { level: string; stream?: NodeJS.WritableStream }): Logger {
  return createLogger({
    level: options.level,
    format: format.combine(format.timestamp(), redactFormat(), format.json()),
    transports: [new transports.Stream({ stream: options.stream ?? process.stderr })],
  });
}
