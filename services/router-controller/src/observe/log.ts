/**
 * The log, through winston: one JSON object a line, without anybody's secrets, and without ever holding up the process. The line of a
 * request, which nearly all lines are, is made and written in one step.
 */
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

/** What a line tells beside its level and message. */
type Fields = Readonly<Record<string, unknown>>;

/** An entry as winston hands it on: a copy of what was told, with its level and message. */
type Info = { level: string; message: unknown } & Record<string, unknown>;

interface LineOptions {
  readonly severity: boolean;
  readonly worker: number | null;
}

/** The last second that was written, as a whole number, and its text. */
let second = -1;
let secondText = '';

/** As `toISOString` has it; most lines share their second with the one before. @param now milliseconds since 1970 */
export function timestampOf(now: number): string {
  const whole = Math.floor(now / 1000);
  if (whole !== second) {
    second = whole;
    secondText = new Date(whole * 1000).toISOString().slice(0, -'000Z'.length);
  }
  return `${secondText}${String(now - whole * 1000).padStart(3, '0')}Z`;
}

/** What the kind of log adds to the fields. */
function completed(level: string, fields: Fields, { severity, worker }: LineOptions): Fields {
  const numbered = worker === null ? fields : { ...fields, worker: fields.worker ?? worker };
  if (!severity) return numbered;
  // What clouds' logs read a level by, and no name that they read otherwise.
  const told = { ...numbered, severity: SEVERITIES[level] ?? level.toUpperCase() };
  return 'status' in told ? { ...told, status: undefined, http_status: fields.status } : told;
}

/**
 * JSON of a line without what looks like a secret. Most hold nothing of the kind, and are written as they are. People read a
 * line from its left: what happened stands before its fields.
 */
function jsonOf(level: string, message: unknown, all: Fields, options: LineOptions): string {
  const timestamp = timestampOf(Date.now());
  const fields = completed(level, all, options);
  if (isPlain(message) && isPlain(fields)) {
    const head = JSON.stringify({ level, message, timestamp });
    const told = JSON.stringify(fields);
    const json = told === '{}' ? head : `${head.slice(0, -1)},${told.slice(1)}`;
    if (!mayHoldSecret(json)) return json;
  }
  return JSON.stringify(redact({ level, message, timestamp, ...fields }));
}

/** The whole line in one step: winston's own, put together, copy an entry three times and sort its keys. */
const lineFormat = format((info, options) => {
  const { level, message, ...fields } = info as Info;
  // The process' own secrets go out of the finished line, whichever field holds them and however they are written.
  const line = secrets.text(jsonOf(level, message, fields, options as LineOptions));
  (info as unknown as Record<symbol, unknown>)[LINE] = line;
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

/** What writes a line of `info` past winston's streams, by the log that it belongs to. */
const straight = new WeakMap<Logger, (message: string, fields: Fields) => void>();

/**
 * Tells of a request. As `log.info('request', fields)`, without winston's copies and streams: these cost twice what the line itself
 * does.
 */
export function logRequest(log: Logger, fields: Fields): void {
  const write = straight.get(log);
  // What winston still holds comes first.
  if (!write || log.writableLength > 0 || log.readableLength > 0) log.info('request', fields);
  else if (log.isLevelEnabled('info')) write('request', fields);
}

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
  const options: LineOptions = { severity, worker };
  const log = createLogger({
    level,
    format: lineFormat(options),
    transports: [sink ? new SinkTransport(sink) : new transports.Stream({ stream: stream! })],
  });
  const push = sink ? (line: Buffer) => sink.push(line) : (line: Buffer) => void stream!.write(line);
  straight.set(log, (message, fields) =>
    push(secrets.bytes(Buffer.from(`${jsonOf('info', message, fields, options)}\n`))),
  );
  return Object.assign(log, { finish: async () => sink?.drained(FAREWELL_MS) });
}
