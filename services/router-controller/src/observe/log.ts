/** The log, through winston: one JSON object a line, without anybody's secrets, and without ever holding up the process. */
import { createLogger, format, type Logger, transports } from 'winston';
import Transport from 'winston-transport';
import { LineSink } from './line-sink.ts';
import { isPlain, mayHoldSecret, redact } from './redact.ts';
import { secrets } from './secrets/index.ts';

export { redact } from './redact.ts';
export type { Logger };

/** winston's own symbol for the finished line. */
const LINE = Symbol.for('message');

const SEVERITIES: Readonly<Record<string, string>> = { warn: 'WARNING' };

/** An entry as winston hands it on: a copy of what was told, with its level and message. */
type Info = { level: string; message: unknown; timestamp?: unknown } & Record<string, unknown>;

interface LineOptions {
  readonly severity: boolean;
  readonly worker: number | null;
}

/** What the kind of log adds to an entry. */
function complete(info: Info, { severity, worker }: LineOptions): void {
  if (worker !== null) info.worker ??= worker;
  if (!severity) return;
  // What clouds' logs read a level by, and no name that they read otherwise.
  info.severity = SEVERITIES[info.level] ?? info.level.toUpperCase();
  if ('status' in info) {
    info.http_status = info.status;
    info.status = undefined;
  }
}

/**
 * JSON of an entry without what looks like a secret. Most hold nothing of the kind, and are written as they are. People read a
 * line from its left: what happened stands before its fields, as winston's entries don't have it.
 */
function jsonOf(info: Info): string {
  const { level, message, timestamp = new Date().toISOString() } = info;
  if (isPlain(info)) {
    // Taken out and put back: a copy without them would cost more than all else about a line.
    info.level = info.message = info.timestamp = undefined as never;
    const fields = JSON.stringify(info);
    info.level = level;
    info.message = message;
    const head = JSON.stringify({ level, message, timestamp });
    const json = fields === '{}' ? head : `${head.slice(0, -1)},${fields.slice(1)}`;
    if (!mayHoldSecret(json)) return json;
  }
  const { level: _level, message: _message, timestamp: _timestamp, ...fields } = info;
  return JSON.stringify(redact({ level, message, timestamp, ...fields }));
}

/** The whole line in one step: winston's own, put together, copy an entry three times and sort its keys. */
const lineFormat = format((info, options) => {
  complete(info as Info, options as LineOptions);
  // The process' own secrets go out of the finished line, whichever field holds them and however they are written.
  (info as unknown as Record<symbol, unknown>)[LINE] = secrets.text(jsonOf(info as Info));
  return info;
});

const DESCRIPTORS = { stdout: 1, stderr: 2 } as const;
/** A pipe takes so many bytes whole or not at all (PIPE_BUF), whoever else writes to it. */
const WHOLE_BYTES = 4_096;
/** How long the last lines may take when the process stops, milliseconds. */
const FAREWELL_MS = 1_000;

class SinkTransport extends Transport {
  readonly #sink: LineSink;

  constructor(sink: LineSink) {
    super();
    this.#sink = sink;
  }

  override log(info: Record<symbol, unknown>, next: () => void): void {
    this.#sink.push(Buffer.from(`${String(info[LINE])}\n`));
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
  /** Of several on one stream: its number stands at each line's end, and lines go out in pieces that no other tears. */
  readonly worker?: number | null;
  /** Lines that were dropped because their reader was too slow. */
  readonly onDropped?: (lines: number) => void;
}

/** A log that can be told to finish. */
export type RouterLog = Logger & {
  /** Resolves when all lines are written, or after a second. */
  readonly finish: () => Promise<void>;
};

/**
 * JSON lines, one object a line, by default to standard error, which leaves standard output to the start message.
 * Never waits for its reader: what does not fit is dropped and counted. Prompts are not passed in unless
 * `logging.prompts` says so, answers never.
 */
export function createLog({
  level,
  to = 'stderr',
  severity = false,
  worker = null,
  stream,
  onDropped,
}: LogOptions): RouterLog {
  const sink = stream
    ? null
    : new LineSink({
        fd: DESCRIPTORS[to],
        ...(worker !== null && { batch: WHOLE_BYTES }),
        ...(onDropped && { onDropped }),
      });
  if (sink) process.once('exit', () => sink.flushSync());
  const log = createLogger({
    level,
    format: lineFormat({ severity, worker }),
    transports: [sink ? new SinkTransport(sink) : new transports.Stream({ stream: stream! })],
  });
  return Object.assign(log, { finish: async () => sink?.drained(FAREWELL_MS) });
}
