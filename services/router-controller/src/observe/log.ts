import { createLogger, format, type Logger, transports } from 'winston';
import Transport from 'winston-transport';
import { LineSink } from './line-sink.ts';
import { redact } from './redact.ts';
import { secrets } from './secrets/index.ts';

export { redact } from './redact.ts';
export type { Logger };

const redactFormat = format((info) => {
  const { level, timestamp, ...rest } = info;
  for (const [key, value] of Object.entries(redact(rest) as object)) info[key] = value;
  return info;
});

/** winston's own symbol for the finished line. */
const LINE = Symbol.for('message');
/** The process' own secrets go out of the finished line, whichever field holds them and however they are written. */
const withoutSecrets = format((info) => {
  const line = info as unknown as Record<symbol, unknown>;
  line[LINE] = secrets.text(String(line[LINE]));
  return info;
});

const SEVERITIES: Readonly<Record<string, string>> = { warn: 'WARNING' };
/** What clouds' logs read a level by, and no name that they read otherwise. */
const severityFormat = format((info) => {
  info.severity = SEVERITIES[info.level] ?? info.level.toUpperCase();
  if ('status' in info) {
    info.http_status = info.status;
    delete info.status;
  }
  return info;
});

const DESCRIPTORS = { stdout: 1, stderr: 2 } as const;
/** How long the last lines may take when the process stops, milliseconds. */
const FAREWELL_MS = 1_000;

class SinkTransport extends Transport {
  readonly #sink: LineSink;

  constructor(sink: LineSink) {
    super();
    this.#sink = sink;
  }

  override log(info: Record<symbol, unknown>, next: () => void): void {
    this.#sink.push(String(info[LINE]));
    next();
  }
}

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

/**
 * JSON lines through winston, one object a line, by default to standard error, which leaves standard output to the start
 * message.
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
  const log = createLogger({
    level,
    format: format.combine(
      format.timestamp(),
      redactFormat(),
      ...(severity ? [severityFormat()] : []),
      format.json(),
      withoutSecrets(),
    ),
    transports: [sink ? new SinkTransport(sink) : new transports.Stream({ stream: stream! })],
  });
  return Object.assign(log, { finish: async () => sink?.drained(FAREWELL_MS) });
}
