/** The logs of a configuration: decisions and spend, each to a file, to an object store, to both, or nowhere. */
import { isDeepStrictEqual } from 'node:util';
import type { ConfigFile } from '../../config/schema.ts';
import type { LogName } from '../../config/schema-records.ts';
import type { Logger, Metrics } from '../../observe/index.ts';
import { FileLines } from './file-lines.ts';
import type { CountLines, Lines } from './lines.ts';
import { ObjectLines } from './object-lines.ts';

export { type SpendRecord, spendOf, spendOfPassed } from './spend.ts';

type Part = Pick<ConfigFile, 'decision_log' | 'spend_log' | 'object_store'>;

export class Records {
  readonly #metrics: Metrics;
  readonly #log: Logger;
  #config: Part | null = null;
  #lines: Readonly<Record<LogName, readonly Lines[]>> = { decisions: [], spend: [] };
  readonly #closing = new Set<Promise<void>>();

  constructor(metrics: Metrics, log: Logger) {
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Begins, changes or ends the logs; what waits is written where it was to go. */
  useConfig({ decision_log, spend_log, object_store }: Part): void {
    const config = { decision_log, spend_log, object_store };
    if (isDeepStrictEqual(this.#config, config)) return;
    this.#config = config;
    this.#end();
    this.#lines = {
      decisions: this.#of('decisions', 'decision log', decision_log, config),
      spend: this.#of('spend', 'spend log', spend_log, config),
    };
  }

  #of(
    name: LogName,
    what: string,
    { path, max_bytes, keep }: Part['spend_log'],
    { object_store }: Part,
  ): readonly Lines[] {
    const metrics = this.#metrics;
    const log = this.#log;
    const file = name === 'decisions' ? metrics.decisionLog : metrics.spendLog;
    const count: CountLines = (result, lines) => file.inc({ result }, lines);
    const countPut: CountLines = (result, lines) => metrics.objectLines.inc({ log: name, result }, lines);
    return [
      ...(path === undefined ? [] : [new FileLines({ path, max_bytes, keep, what, count, log })]),
      ...(object_store?.logs.includes(name)
        ? [new ObjectLines({ config: object_store, name, count: countPut, log })]
        : []),
    ];
  }

  /** False: nobody would keep it. */
  keeps(name: LogName): boolean {
    return this.#lines[name].length > 0;
  }

  /** Never throws, never waits. */
  note(name: LogName, record: object): void {
    const line = JSON.stringify(record);
    for (const lines of this.#lines[name]) lines.add(line);
  }

  #end(): void {
    for (const lines of Object.values(this.#lines).flat()) {
      const closing = lines.close().finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    this.#lines = { decisions: [], spend: [] };
  }

  /** Resolves when all is written, put or dropped. */
  async close(): Promise<void> {
    this.#end();
    await Promise.all(this.#closing);
  }
}
