/** The ledger: usage and budgets, kept across requests, and across restarts where there is Redis. */
import { isDeepStrictEqual } from 'node:util';
import type { RouterConfig } from '../config/types.ts';
import type { Metrics } from '../observe/index.ts';
import type { SharedRedis } from '../redis/index.ts';
import { Budgets } from './budgets.ts';
import { Counters } from './counters.ts';
import { Holds } from './holds.ts';
import { UsageBook } from './usage.ts';

export { type BudgetHolder, type BudgetLevel, type BudgetState, holderOf, type Spending } from './budgets.ts';
export type { Hold } from './holds.ts';
export type { UsageEvent, UsageReport } from './usage.ts';

export class Ledger {
  readonly #counters: Counters;
  readonly #holds: Holds;
  readonly budgets: Budgets;
  readonly usage: UsageBook;
  #config: RouterConfig;

  constructor(config: RouterConfig, redis: SharedRedis | null, metrics: Metrics) {
    this.#config = config;
    this.#counters = new Counters(redis, metrics);
    this.#holds = new Holds(redis, this.#counters);
    this.budgets = new Budgets(config.file.budgets, this.#counters, metrics, this.#holds);
    this.usage = new UsageBook(this.#counters, config.file.admission.usage_days);
  }

  get store(): 'redis' | 'memory' {
    return this.#counters.store;
  }

  useConfig(config: RouterConfig): void {
    this.usage.days = config.file.admission.usage_days;
    if (!isDeepStrictEqual(config.file.budgets, this.#config.file.budgets))
      this.budgets.useBudgets(config.file.budgets);
    this.#config = config;
  }

  /** Resolves when everything is written, and nothing held. */
  async close(): Promise<void> {
    await this.#counters.close();
    await this.#holds.close();
  }
}
