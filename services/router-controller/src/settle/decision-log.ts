/**
 * The decision log: one JSON line a request with all that a decision was made from, so that another policy table can be
 * tried on yesterday's traffic (`npm run replay`). Off by default; the text only as a hash unless it is asked for.
 */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DecisionLogConfig } from '../config/schema.ts';
import type { ChooseBy } from '../config/schema-value.ts';
import type { Logger, Metrics } from '../observe/index.ts';
import type { DecisionReason, PromptEmbedding, RoutedRequest, Usage, Weighed } from '../request.ts';
import type { Features, Needs, TurnFacts } from '../understand/index.ts';
import type { FeedbackRecord } from './feedback.ts';

/** What one target was expected to be worth and to cost. */
export interface LoggedOffer {
  readonly target: string;
  readonly quality: number;
  readonly cost_usd: number;
  readonly input_tokens: number;
  readonly cached_tokens: number;
  readonly output_tokens: number;
  /** Why it might not be asked; null: it might. */
  readonly why: string | null;
}

/** Of policies of kind value: from what the choice was made, so that another setting can be priced. */
export interface LoggedValue {
  readonly choose: Readonly<Partial<Record<ChooseBy, number>>>;
  /** The request brought its own setting. */
  readonly own: boolean;
  readonly familiarity: number | null;
  /** With which probability the entry was chosen. */
  readonly propensity: number;
  readonly targets: readonly LoggedOffer[];
}

/** One line of the log. */
export interface DecisionRecord {
  /** RFC 3339. */
  readonly time: string;
  readonly request_id: string;
  readonly tenant: string;
  readonly config: string;
  readonly policy: string;
  readonly strategy: 'triton' | 'manual';
  /** What the client named with `manual`. */
  readonly model: string | null;
  /** The client's own threshold. */
  readonly threshold: number | null;
  readonly label: string | null;
  readonly confidence: number | null;
  readonly scores: Readonly<Record<string, number>> | null;
  readonly extra_scores: Readonly<Record<string, number>> | null;
  readonly model_version: string | null;
  readonly reason: DecisionReason;
  readonly entry: string;
  /** Who answered; null: nobody. */
  readonly target: string | null;
  readonly status: number;
  readonly needs: Needs;
  /** What rules look at; lines of earlier versions lack it. */
  readonly features?: Features;
  readonly turn?: TurnFacts;
  /** The rule that decided. */
  readonly rule?: string | null;
  readonly second_look?: boolean;
  readonly value?: LoggedValue;
  /** Only with `embedding: true`, of policies of kind value. */
  readonly embedding?: PromptEmbedding;
  readonly usage: Usage | null;
  readonly cost_usd: number | null;
  /** sha256 of the text that was classified, hex. */
  readonly text_sha256: string;
  readonly text_chars: number;
  /** Only with `text: full`. */
  readonly text?: string;
}

/** Lines that may wait for the disk; past it they are dropped and counted. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

export class DecisionLog {
  readonly #config: DecisionLogConfig & { path: string };
  readonly #metrics: Metrics;
  readonly #log: Logger;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #size: number | null = null;
  #writing: Promise<void> | null = null;
  #failed = false;

  constructor(config: DecisionLogConfig & { path: string }, metrics: Metrics, log: Logger) {
    this.#config = config;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Notes a request that has a decision; never throws, never waits. */
  note(request: RoutedRequest, status: number, cost: number | null): void {
    const record = recordOf(request, status, cost, this.#config);
    if (record) this.#add(record);
  }

  /** Notes a score that an answer was given; never throws, never waits. */
  noteFeedback(record: FeedbackRecord): void {
    this.#add(record);
  }

  #add(record: DecisionRecord | FeedbackRecord): void {
    const line = `${JSON.stringify(record)}\n`;
    if (this.#waitingBytes + line.length > MAX_WAITING_BYTES) {
      this.#metrics.decisionLog.inc({ result: 'dropped' });
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
  }

  /** Resolves when all that was noted is written or dropped. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #write(): Promise<void> {
    // Lines of the same turn go out together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      const bytes = this.#waitingBytes;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        await this.#append(lines.join(''));
        this.#metrics.decisionLog.inc({ result: 'written' }, lines.length);
        if (this.#failed) this.#log.info('decision log is written again', { path: this.#config.path });
        this.#failed = false;
      } catch (error) {
        this.#metrics.decisionLog.inc({ result: 'dropped' }, lines.length);
        // Once, not once a request.
        if (!this.#failed) {
          this.#log.error('decision log can’t be written; its lines are dropped', {
            path: this.#config.path,
            problem: (error as Error).message,
            bytes,
          });
        }
        this.#failed = true;
        this.#size = null;
      }
    }
  }

  async #append(text: string): Promise<void> {
    const { path, max_bytes, keep } = this.#config;
    if (this.#size === null) {
      await mkdir(dirname(path), { recursive: true });
      this.#size = await stat(path).then(
        ({ size }) => size,
        () => 0,
      );
    }
    const bytes = Buffer.byteLength(text);
    if (this.#size > 0 && this.#size + bytes > max_bytes) {
      await rotate(path, keep);
      this.#size = 0;
    }
    await appendFile(path, text, { mode: 0o600 });
    this.#size += bytes;
  }
}

/** `log` → `log.1` → … → `log.<keep>`; the oldest goes. */
async function rotate(path: string, keep: number): Promise<void> {
  const missing = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  };
  await rm(keep === 0 ? path : `${path}.${keep}`, { force: true });
  for (let index = keep - 1; index >= 1; index--)
    await rename(`${path}.${index}`, `${path}.${index + 1}`).catch(missing);
  if (keep > 0) await rename(path, `${path}.1`).catch(missing);
}

/** As the log and `/v1/route` tell it. @param own the request brought its own setting */
export const toldValue = (
  { choose, familiarity, propensity, offers }: Weighed,
  own: boolean,
): LoggedValue => ({
  choose: { [choose.by]: choose.at },
  own,
  familiarity,
  propensity,
  targets: offers.map(({ entry, quality, estimate, why }) => ({
    target: entry.name,
    quality,
    cost_usd: estimate.usd,
    input_tokens: estimate.inputTokens,
    cached_tokens: estimate.cachedTokens,
    output_tokens: estimate.outputTokens,
    why,
  })),
});

function recordOf(
  request: RoutedRequest,
  status: number,
  cost: number | null,
  { text: texts, embedding: withEmbedding }: DecisionLogConfig,
): DecisionRecord | null {
  const { decision, outcome, extension, facts, config } = request;
  if (!decision || !facts) return null;
  const { text, chars } = facts.ask;
  return {
    time: new Date().toISOString(),
    request_id: request.id,
    tenant: request.caller.tenant,
    config: config.version,
    policy: decision.policy.name,
    strategy: extension.strategy,
    model: extension.strategy === 'manual' ? extension.model : null,
    threshold: extension.threshold,
    label: decision.label,
    confidence: decision.confidence,
    scores: decision.scores,
    extra_scores: decision.extraScores,
    model_version: decision.modelVersion,
    reason: decision.reason,
    entry: decision.entry.name,
    target: outcome?.target?.name ?? null,
    status,
    needs: facts.needs,
    features: facts.features,
    turn: facts.turn,
    rule: decision.rule ?? null,
    second_look: decision.secondLook ?? false,
    ...(decision.weighed && { value: toldValue(decision.weighed, extension.choose != null) }),
    ...(withEmbedding && decision.embedding && { embedding: decision.embedding }),
    usage: outcome?.usage ?? null,
    cost_usd: cost,
    text_sha256: createHash('sha256').update(text).digest('hex'),
    text_chars: chars,
    ...(texts === 'full' && { text }),
  };
}
