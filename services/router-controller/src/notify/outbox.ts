/** One webhook's messages: a bounded queue, in order, each tried until it is taken or too old. */
import { REAL_TIME, type Time } from '../call/time.ts';
import type { NotifyConfig, WebhookConfig } from '../config/schema-notify.ts';
import type { Logger, Metrics } from '../observe/index.ts';
import { Outgoing } from '../outgoing/outgoing.ts';
import { patiently, type Try } from '../outgoing/patience.ts';
import { VERSION } from '../version.ts';
import { bodyOf } from './forms.ts';
import type { Message } from './notice.ts';
import { sign } from './sign.ts';

export interface OutboxDeps {
  readonly settings: () => NotifyConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly time?: Time;
  readonly random?: () => number;
}

type Result = 'sent' | 'given_up' | 'dropped';

const MINUTE_MS = 60_000;
/** How often the same trouble is told, milliseconds. */
const RETELL_MS = 60_000;

const secretsOf = ({ secret }: WebhookConfig): readonly string[] =>
  secret === undefined ? [] : typeof secret === 'string' ? [secret] : secret;

export class Outbox {
  readonly webhook: WebhookConfig;
  readonly #deps: OutboxDeps;
  readonly #time: Time;
  readonly #outgoing: Outgoing;
  readonly #hurry = new AbortController();
  readonly #end = new AbortController();
  #waiting: { readonly message: Message; readonly since: number }[] = [];
  #running: Promise<void> | null = null;
  /** When messages of the last minute were taken. */
  #taken: number[] = [];
  #dropped = 0;
  #toldDropped = Number.NEGATIVE_INFINITY;
  /** It has said that it wants no more. */
  #gone = false;

  /** @throws Error where the environment names a proxy that can't be one. */
  constructor(webhook: WebhookConfig, deps: OutboxDeps) {
    this.webhook = webhook;
    this.#deps = deps;
    this.#time = deps.time ?? REAL_TIME;
    this.#outgoing = new Outgoing(webhook.url);
    // Born with its first event, that event would be hidden from rate().
    for (const result of ['sent', 'given_up', 'dropped'] as const) this.#count(result, 0);
  }

  /** Takes a message, or drops and counts it. Never throws, never waits. */
  push(message: Message): void {
    const { queue, per_minute } = this.#deps.settings();
    const now = this.#time.now();
    this.#taken = this.#taken.filter((at) => now - at < MINUTE_MS);
    if (this.#gone || this.#hurry.signal.aborted) {
      this.#count('dropped');
      return;
    }
    if (this.#waiting.length >= queue || this.#taken.length >= per_minute) {
      this.#drop(now, this.#waiting.length >= queue ? 'notify.queue' : 'notify.per_minute');
      return;
    }
    this.#taken.push(now);
    const dropped = this.#dropped;
    this.#dropped = 0;
    const told = dropped > 0 ? { ...message, data: { ...message.data, dropped_before: dropped } } : message;
    this.#waiting.push({ message: told, since: now });
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  #drop(now: number, limit: string): void {
    this.#dropped++;
    this.#count('dropped');
    if (now - this.#toldDropped < RETELL_MS) return;
    this.#toldDropped = now;
    this.#deps.log.warn('notices are dropped', { webhook: this.webhook.name, limit });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { message, since } = this.#waiting[0]!;
      const outcome = await patiently(() => this.#try(message), {
        pauses: this.#deps.settings(),
        since,
        hurry: this.#hurry.signal,
        time: this.#time,
        ...(this.#deps.random && { random: this.#deps.random }),
      });
      this.#waiting.shift();
      if (outcome.done) this.#count('sent');
      else this.#failed(message, outcome);
    }
  }

  async #try(message: Message): Promise<Try> {
    const { form, url } = this.webhook;
    const body = bodyOf(form, message);
    const signed =
      form === 'json' ? sign(secretsOf(this.webhook), message.id, Math.floor(Date.now() / 1_000), body) : {};
    try {
      const { status, retryAfterMs } = await this.#outgoing.send({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', 'user-agent': `llm-router/${VERSION}`, ...signed },
        body,
        timeoutMs: this.#deps.settings().timeout_ms,
        signal: this.#end.signal,
      });
      if (status >= 200 && status < 300) return { result: 'done' };
      if (status === 410) return { result: 'hopeless', problem: 'it answered 410: it wants no more' };
      return { result: 'failed', problem: `it answered ${status}`, retryAfterMs };
    } catch (error) {
      return { result: 'failed', problem: (error as Error).message };
    }
  }

  #failed(
    { type, id }: Message,
    { problem, tries, hopeless }: { problem: string; tries: number; hopeless: boolean },
  ): void {
    const { name } = this.webhook;
    this.#count('given_up');
    this.#deps.log.error('notice could not be delivered', { webhook: name, type, id, tries, problem });
    if (!hopeless) return;
    this.#gone = true;
    this.#count('dropped', this.#waiting.length);
    this.#waiting = [];
    this.#deps.log.error('webhook is sent nothing until it is configured anew or the process starts again', {
      webhook: name,
      problem,
    });
  }

  #count(result: Result, amount = 1): void {
    this.#deps.metrics.notices.inc({ webhook: this.webhook.name, result }, amount);
  }

  /** Sends what waits, each once more at most, for so long at most, milliseconds; what is left then is given up. */
  async close(ms: number): Promise<void> {
    this.#hurry.abort();
    const timer = this.#time.after(ms, () => this.#end.abort());
    if (ms === 0) this.#end.abort();
    await this.#running;
    timer.stop();
    await this.#outgoing.close();
  }
}
