/** Tells webhooks what happens: once a change, once over all replicas where there is Redis, and never on a request's way. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { Time } from '../call/time.ts';
import type { NotifyConfig, WebhookConfig } from '../config/schema-notify.ts';
import type { RouterConfig } from '../config/types.ts';
import type { Logger, Metrics } from '../observe/index.ts';
import type { SharedRedis } from '../redis/index.ts';
import { VERSION } from '../version.ts';
import type { Message, Notice } from './notice.ts';
import { Outbox } from './outbox.ts';
import { Settling, stateOf } from './settling.ts';
import { Told } from './told.ts';

export interface NotifierDeps {
  readonly config: RouterConfig;
  readonly redis: SharedRedis | null;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Replaces clock and timers in proofs. */
  readonly time?: Time;
  readonly random?: () => number;
}

/** How long replicas remember what was told, milliseconds. */
const REMEMBER_MS = 3_600_000;
/** Notices that may wait for Redis' word on who tells them. */
const MOST_CLAIMS = 1_000;

const newId = () => `msg_${randomBytes(16).toString('hex')}`;

export class Notifier {
  readonly #deps: NotifierDeps;
  readonly #told: Told;
  readonly #settling: Settling;
  readonly #replica = hostname();
  #settings: NotifyConfig;
  #version: string;
  #outboxes: readonly Outbox[] = [];
  readonly #closing = new Set<Promise<void>>();
  /** One after the other, so that two states of a thing keep their order. */
  #claims: Promise<void> = Promise.resolve();
  #claiming = 0;
  #closed = false;

  constructor(deps: NotifierDeps) {
    this.#deps = deps;
    this.#settings = deps.config.file.notify;
    this.#version = deps.config.version;
    this.#told = new Told(deps.redis);
    this.#settling = new Settling(
      () => this.#settings.settle_ms,
      (notice) => this.#claim(notice),
      deps.time,
    );
    this.#open(this.#settings.webhooks);
  }

  /** Webhooks that stay as they are keep what waits for them; others get what waits within `drain_ms`. */
  useConfig({ file, version }: RouterConfig): void {
    this.#version = version;
    this.#settings = file.notify;
    this.#open(file.notify.webhooks);
  }

  #open(webhooks: readonly WebhookConfig[]): void {
    const before = this.#outboxes;
    this.#outboxes = webhooks.map(
      (webhook) =>
        before.find((outbox) => isDeepStrictEqual(outbox.webhook, webhook)) ??
        new Outbox(webhook, { ...this.#deps, settings: () => this.#settings }),
    );
    for (const outbox of before) if (!this.#outboxes.includes(outbox)) this.#end(outbox);
  }

  #end(outbox: Outbox): void {
    const closing = outbox.close(this.#settings.drain_ms).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  get hasWebhooks(): boolean {
    return this.#outboxes.length > 0;
  }

  /** Never throws, never waits. */
  tell(notice: Notice): void {
    if (this.#closed || this.#outboxes.length === 0) return;
    this.#settling.note(notice);
  }

  #claim(notice: Notice): void {
    const timestamp = new Date().toISOString();
    if (this.#claiming >= MOST_CLAIMS) {
      for (const { webhook } of this.#wanting(notice))
        this.#deps.metrics.notices.inc({ webhook: webhook.name, result: 'dropped' });
      return;
    }
    this.#claiming++;
    this.#claims = this.#claims
      .then(() => this.#told.claim(notice.subject, stateOf(notice), notice.rememberMs ?? REMEMBER_MS))
      .then((claim) => {
        for (const outbox of this.#wanting(notice)) {
          if (claim === 'others')
            this.#deps.metrics.notices.inc({ webhook: outbox.webhook.name, result: 'told_by_another' });
          else outbox.push(this.#message(notice, timestamp, claim === 'mine'));
        }
      })
      .catch((error: unknown) => {
        this.#deps.log.error('internal error', { error });
      })
      .finally(() => {
        this.#claiming--;
      });
  }

  #wanting({ type }: Notice): readonly Outbox[] {
    return this.#outboxes.filter(({ webhook: { events } }) => events === undefined || events.includes(type));
  }

  #message({ type, severity, summary, data }: Notice, timestamp: string, once: boolean): Message {
    const router = { replica: this.#replica, version: VERSION, config: this.#version };
    // Without Redis each replica that sees it tells it.
    return { id: newId(), timestamp, type, severity, summary, data: { ...data, ...router, once } };
  }

  /** Tells what waits, within `drain_ms`. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#settling.close();
    this.#closed = true;
    await this.#claims;
    for (const outbox of this.#outboxes) this.#end(outbox);
    this.#outboxes = [];
    await Promise.all(this.#closing);
  }
}
