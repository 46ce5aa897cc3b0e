/** The log: one JSON object a line, without anybody's secrets, and without ever holding up the process. */
import { LineSink } from './line-sink.ts';
import { isPlain, mayHoldSecret, redact } from './redact.ts';
import { secrets } from './secrets/index.ts';

export { redact } from './redact.ts';

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
type Level = (typeof LEVELS)[number];

/** What clouds' logs read a level by. */
const SEVERITIES: Readonly<Record<Level, string>> = {
  error: 'ERROR',
  warn: 'WARNING',
  info: 'INFO',
  debug: 'DEBUG',
};

type Tell = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

export interface Logger {
  /** Lines below it are not written; may be changed. */
  level: string;
  readonly error: Tell;
  readonly warn: Tell;
  readonly info: Tell;
  readonly debug: Tell;
}

const DESCRIPTORS = { stdout: 1, stderr: 2 } as const;
/** How long the last lines may take when the process stops, milliseconds. */
const FAREWELL_MS = 1_000;

export interface LogOptions {
  readonly level: string;
  /** Where lines go, without waiting for it; default: stderr. */
  readonly to?: keyof typeof DESCRIPTORS;
  /** With `severity`, and `http_status` for `status`. */
  readonly severity?: boolean;
  /** Where lines go in tests, in place of `to`. */
  readonly stream?: NodeJS.WritableStream;
  /** Lines that were dropped because their reader was too slow. */
  readonly onDropped?: (lines: number) => void;
}

/** A log that can be told to finish. */
export type RouterLog = Logger & {
  /** Resolves when all lines are written, or after a second. */
  readonly finish: () => Promise<void>;
};

/** JSON of an entry without what looks like a secret. Most hold nothing of the kind, and are written as they are. */
function jsonOf(entry: object): string {
  if (isPlain(entry)) {
    const json = JSON.stringify(entry);
    if (!mayHoldSecret(json)) return json;
  }
  return JSON.stringify(redact(entry));
}

/**
 * JSON lines, by default to standard error, which leaves standard output to the start message.
 * Never waits for its reader: what does not fit is dropped and counted. Prompts are not passed in unless
 * `logging.prompts` says so, answers never.
 */
export function createLog({
  level,
  to = 'stderr',
  severity = false,
  stream,
  onDropped,
}: LogOptions): RouterLog {
  const sink = stream ? null : new LineSink({ fd: DESCRIPTORS[to], ...(onDropped && { onDropped }) });
  if (sink) process.once('exit', () => sink.flushSync());
  const put = (bytes: Buffer) => (sink ? sink.push(bytes) : void stream!.write(bytes));

  const teller =
    (of: Level): Tell =>
    (message, fields) => {
      if (LEVELS.indexOf(of) > LEVELS.indexOf(log.level as Level)) return;
      const entry: Record<string, unknown> = {
        level: of,
        message,
        timestamp: new Date().toISOString(),
        ...fields,
      };
      entry.level = of;
      if (fields?.message !== undefined) entry.message = `${message} ${String(fields.message)}`;
      if (severity) {
        entry.severity = SEVERITIES[of];
        // A name that others read otherwise.
        if ('status' in entry) {
          entry.http_status = entry.status;
          entry.status = undefined;
        }
      }
      // The process' own secrets go out of the finished line, whichever field holds them and however they are written.
      put(secrets.bytes(Buffer.from(`${jsonOf(entry)}\n`)));
    };
  const log: RouterLog = {
    level,
    error: teller('error'),
    warn: teller('warn'),
    info: teller('info'),
    debug: teller('debug'),
    finish: async () => sink?.drained(FAREWELL_MS),
  };
  return log;
}
