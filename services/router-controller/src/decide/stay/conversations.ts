/**
 * Conversations stay with their model, so that the upstream's prompt cache survives and answers keep one voice. Pins are
 * kept in the store that replicas share.
 */
import type { Policy } from '../../config/types.ts';
import type { RedisVisit } from '../../redis/index.ts';
import type { Pin, StayPlan } from '../../request.ts';
import { digest } from '../../understand/index.ts';
import type { SharedStore } from '../shared-store.ts';
import type { ConversationKeys } from './key.ts';

type Lane = StayPlan['lane'];

export interface Found {
  /** Under which it is to be kept. */
  readonly key: string;
  readonly pin: Pin | null;
}

/** Other tools and another system prompt under the same session: a sub-agent that the client does not name. */
function elsewhere(pin: Pin, { tools, system }: Lane): boolean {
  return pin.tools !== tools && pin.system !== system && (tools !== '' || pin.tools !== '');
}

export class Conversations {
  readonly #store: SharedStore;

  constructor(store: SharedStore) {
    this.#store = store;
  }

  /** Where the conversation is; no pin when it is new, or its entry has left the table. */
  async find(
    { key, opener, named }: ConversationKeys,
    lane: Lane,
    policy: Policy,
    visit?: RedisVisit,
  ): Promise<Found> {
    // A first turn that nobody named is new by its nature: what was kept under it is somebody else's, or an earlier try.
    if (!named && opener === null) return { key, pin: null };
    const pin = await this.#read(key, policy, visit);
    if (pin && named && elsewhere(pin, lane)) {
      const own = digest('l', key, lane.tools, lane.system);
      return { key: own, pin: await this.#read(own, policy, visit) };
    }
    if (pin || opener === null) return { key, pin };
    return { key, pin: await this.#read(opener, policy, visit) };
  }

  async #read(key: string, policy: Policy, visit?: RedisVisit): Promise<Pin | null> {
    const pin = parsePin(await this.#store.get(`pin:${key}`, visit));
    return pin && policy.entries.has(pin.entry) ? pin : null;
  }

  async pin(key: string, pin: Pin, ttlMs: number, visit?: RedisVisit): Promise<void> {
    await this.#store.set(`pin:${key}`, JSON.stringify(pin), ttlMs, visit);
  }
}

/** What another replica wrote; null when it is not what this version writes. */
function parsePin(text: string | null): Pin | null {
  if (text === null) return null;
  try {
    const pin = JSON.parse(text) as Pin;
    const right = [pin.entry, pin.wanted, pin.answered, pin.tools, pin.system].every(
      (each) => typeof each === 'string',
    );
    return right && Number.isFinite(pin.away) && Number.isFinite(pin.at) ? pin : null;
  } catch {
    return null;
  }
}
