/** Lines in objects of a store: gathered by size and time, packed, put one after the other, tried again, bounded. */
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { REAL_TIME, type Time, type Timer } from '../../call/time.ts';
import type { LogName, ObjectStoreConfig } from '../../config/schema-records.ts';
import type { Logger } from '../../observe/index.ts';
import { ObjectStore } from '../../outgoing/object-store.ts';
import { patiently } from '../../outgoing/patience.ts';
import type { CountLines, Lines } from './lines.ts';

const pack = promisify(gzip);

export interface ObjectLinesOptions {
  readonly config: ObjectStoreConfig;
  readonly name: LogName;
  readonly count: CountLines;
  readonly log: Logger;
  /** Replaces clock and timers in proofs. */
  readonly time?: Time;
  readonly random?: () => number;
}

interface Batch {
  readonly object: string;
  readonly text: string;
  readonly lines: number;
  readonly bytes: number;
  readonly since: number;
}

/** What a name is made of must not change its folders. */
const plain = (text: string) => text.replaceAll(/[^\w.-]/g, '-');

/** @param at when the object was begun. @param n tells objects of one millisecond apart. */
export function objectName(template: string, log: LogName, replica: string, at: Date, n: number): string {
  const iso = at.toISOString();
  const parts: Readonly<Record<string, string>> = {
    log,
    date: iso.slice(0, 10),
    hour: iso.slice(11, 13),
    replica: plain(replica),
    time: String(at.getTime()),
    n: String(n),
  };
  return template.replaceAll(/\{(\w+)\}/g, (whole, part: string) => parts[part] ?? whole);
}

export class ObjectLines implements Lines {
  readonly #options: ObjectLinesOptions;
  readonly #store: ObjectStore;
  readonly #time: Time;
  readonly #hurry = new AbortController();
  readonly #end = new AbortController();
  #lines: string[] = [];
  #bytes = 0;
  /** Bytes of all lines that are not put yet. */
  #held = 0;
  #timer: Timer | null = null;
  #batches: Batch[] = [];
  #running: Promise<void> | null = null;
  #n = 0;
  #failing = false;
  #full = false;

  /** @throws Error where the environment names a proxy that can't be one. */
  constructor(options: ObjectLinesOptions) {
    this.#options = options;
    this.#time = options.time ?? REAL_TIME;
    this.#store = new ObjectStore(options.config);
    // Born with their first event, those events would be hidden from rate().
    for (const result of ['written', 'dropped'] as const) options.count(result, 0);
  }

  add(text: string): void {
    const { config, count, name, log } = this.#options;
    const line = `${text}\n`;
    const bytes = Buffer.byteLength(line);
    if (this.#hurry.signal.aborted || this.#held + bytes > config.buffer_bytes) {
      count('dropped', 1);
      // Once, not once a request.
      if (!this.#full)
        log.error('lines for the object store are dropped', { log: name, limit: 'buffer_bytes' });
      this.#full = true;
      return;
    }
    this.#full = false;
    this.#lines.push(line);
    this.#bytes += bytes;
    this.#held += bytes;
    if (this.#bytes >= config.batch_bytes) this.#cut();
    else this.#timer ??= this.#time.after(config.batch_ms, () => this.#cut());
  }

  /** What is gathered becomes an object, whose name stays however often it is tried. */
  #cut(): void {
    this.#timer?.stop();
    this.#timer = null;
    if (this.#lines.length === 0) return;
    const { config, name } = this.#options;
    this.#batches.push({
      // Workers of one machine count from one, too.
      object: objectName(config.name, name, `${hostname()}-${process.pid}`, new Date(), ++this.#n),
      text: this.#lines.join(''),
      lines: this.#lines.length,
      bytes: this.#bytes,
      since: this.#time.now(),
    });
    this.#lines = [];
    this.#bytes = 0;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  async #run(): Promise<void> {
    while (this.#batches.length > 0) {
      const batch = this.#batches[0]!;
      const { config, count, log, name, random } = this.#options;
      const body = await pack(batch.text);
      const outcome = await patiently(
        async () => {
          const tried = await this.#store.put(batch.object, body, 'application/gzip', this.#end.signal);
          if (tried.result !== 'done') this.#tell(tried.problem);
          return tried;
        },
        {
          pauses: config,
          since: batch.since,
          hurry: this.#hurry.signal,
          time: this.#time,
          ...(random && { random }),
        },
      );
      this.#batches.shift();
      this.#held -= batch.bytes;
      count(outcome.done ? 'written' : 'dropped', batch.lines);
      if (outcome.done) {
        if (this.#failing) log.info('the object store takes lines again', { log: name });
        this.#failing = false;
      } else
        log.error('an object is given up; its lines are dropped', {
          log: name,
          lines: batch.lines,
          tries: outcome.tries,
          problem: outcome.problem,
        });
    }
  }

  /** The first failure after a success; the others are the same story. */
  #tell(problem: string): void {
    if (this.#failing) return;
    this.#failing = true;
    const { log, name } = this.#options;
    log.warn('the object store takes no lines; they wait', { log: name, problem });
  }

  /** Puts what waits, each object once more at most, within `drain_ms`; what is left then is dropped. */
  async close(): Promise<void> {
    this.#cut();
    this.#hurry.abort();
    const timer = this.#time.after(this.#options.config.drain_ms, () => this.#end.abort());
    await this.#running;
    timer.stop();
    await this.#store.close();
  }
}
