/**
 * What was said of answers afterwards: a score for a request that this router has decided, by the id that its answer carried.
 * Requests are remembered for a while, by tenant, in bounded memory; those of policies of kind value in the shared store, too, so
 * that any replica knows them.
 */
import type { LRUCache } from 'lru-cache';
import type { FeedbackConfig } from '../config/schema-feedback.ts';
import type { SharedStore } from '../decide/index.ts';
import { RouterError } from '../errors.ts';
import { lru } from '../lru.ts';
import type { Metrics } from '../observe/index.ts';
import type { RedisVisit } from '../redis/index.ts';
import type { Caller, RoutedRequest } from '../request.ts';
import { Answered, type Kept } from './answered.ts';

/** Who scored: the user, a judge model, a test. */
export const SOURCES = ['user', 'judge', 'test'] as const;
export type FeedbackSource = (typeof SOURCES)[number];

export interface Scored {
  readonly requestId: string;
  /** 0…1 */
  readonly score: number;
  readonly source: FeedbackSource;
}

/** A score with what was decided, as the decision log has it. */
export interface FeedbackRecord extends Kept {
  readonly type: 'feedback';
  /** RFC 3339. */
  readonly time: string;
  readonly request_id: string;
  readonly tenant: string;
  readonly score: number;
  readonly source: FeedbackSource;
}

/** Told to who gave the score. */
export interface Taken {
  /** False: this request had a score of this source already, which stands. */
  readonly counted: boolean;
  readonly kept: Kept;
}

/** Longest that the store is to keep, whatever it is; ids are short, and so are names. */
const keyOf = (tenant: string, id: string) => JSON.stringify([tenant, id]);

export class Feedback {
  readonly #metrics: Metrics;
  readonly #store: SharedStore | null;
  readonly #note: (record: FeedbackRecord) => void;
  #config: FeedbackConfig;
  #kept: Answered;
  /** Scores that were taken, by request and source. */
  #scored: LRUCache<string, true>;

  /** @param note where a score is written down. */
  constructor(
    config: FeedbackConfig,
    metrics: Metrics,
    store: SharedStore | null,
    note: (record: FeedbackRecord) => void,
  ) {
    this.#config = config;
    this.#metrics = metrics;
    this.#store = store;
    this.#note = note;
    this.#kept = new Answered(config.keep, config.keep_ms);
    this.#scored = lru(config.keep, config.keep_ms);
  }

  useConfig(config: FeedbackConfig): void {
    if (config.keep !== this.#config.keep || config.keep_ms !== this.#config.keep_ms) {
      this.#kept = new Answered(config.keep, config.keep_ms);
      this.#scored = lru(config.keep, config.keep_ms);
    }
    this.#config = config;
  }

  get enabled(): boolean {
    return this.#config.enabled;
  }

  /** Remembers a request that was answered. */
  remember({ id, caller, decision, outcome, visit }: RoutedRequest): void {
    if (!this.#config.enabled || !decision || !outcome?.target || outcome.status >= 400) return;
    const { weighed } = decision;
    const target = outcome.target.name;
    const kept: Kept = {
      policy: decision.policy.name,
      target,
      quality: weighed?.offers.find(({ entry }) => entry.name === target)?.quality ?? null,
      propensity: weighed?.propensity ?? null,
    };
    this.#kept.add(caller.tenant, id, kept);
    if (!weighed || !this.#store) return;
    const key = `answer:${keyOf(caller.tenant, id)}`;
    void this.#store.set(key, JSON.stringify(kept), this.#config.keep_ms, visit);
  }

  /**
   * Takes a score: counts it and writes it down.
   *
   * @throws RouterError request_not_found for what this tenant has not asked, or too long ago
   */
  async take(caller: Caller, { requestId, score, source }: Scored, visit?: RedisVisit): Promise<Taken> {
    const key = keyOf(caller.tenant, requestId);
    const kept =
      this.#kept.find(caller.tenant, requestId) ??
      parseKept((await this.#store?.get(`answer:${key}`, visit)) ?? null);
    if (!kept)
      throw new RouterError(
        'request_not_found',
        `No answered request '${requestId}' of this key's tenant is remembered. Send the x-request-id of an answer, within ` +
          `${Math.round(this.#config.keep_ms / 60_000)} minutes (feedback.keep_ms)`,
        { param: 'request_id' },
      );
    const once = JSON.stringify([key, source]);
    if (this.#scored.has(once)) return { counted: false, kept };
    this.#scored.set(once, true);
    const { policy, target, quality, propensity } = kept;
    const m = this.#metrics;
    m.feedback.inc({ policy, target, source });
    m.feedbackQuality.inc({ policy, target, source, of: 'scored' }, score);
    if (quality !== null) m.feedbackQuality.inc({ policy, target, source, of: 'predicted' }, quality);
    this.#note({
      type: 'feedback',
      time: new Date().toISOString(),
      request_id: requestId,
      tenant: caller.tenant,
      policy,
      target,
      score,
      source,
      quality,
      propensity,
    });
    return { counted: true, kept };
  }
}

/** What another replica wrote; null when it is not what this version writes. */
function parseKept(text: string | null): Kept | null {
  if (text === null) return null;
  try {
    const { policy, target, quality, propensity } = JSON.parse(text) as Kept;
    const number = (value: unknown) => value === null || typeof value === 'number';
    const right =
      typeof policy === 'string' && typeof target === 'string' && number(quality) && number(propensity);
    return right ? { policy, target, quality, propensity } : null;
  } catch {
    return null;
  }
}
