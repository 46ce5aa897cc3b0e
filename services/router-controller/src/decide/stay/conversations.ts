/**
 * Conversations stay with their model, so that the upstream's prompt cache survives and answers keep one voice. They
 * move only upwards (to an entry of a higher rank), on need, or when the target fails.
 */
import { createHash } from 'node:crypto';
import type { Policy } from '../../config/types.ts';
import type { RedisVisit } from '../../redis/index.ts';
import type { ChatBody, RoutedRequest } from '../../request.ts';
import { contentText } from '../prompt-text.ts';
import type { SharedStore } from '../shared-store.ts';

export interface Pin {
  readonly entry: string;
  readonly target: string;
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 22);

/** Opening turns make a conversation's name when the client gives none: system prompt and first user message. */
function openingTurns(body: ChatBody): string | null {
  if (!Array.isArray(body.messages)) return null;
  const turns: string[] = [];
  for (const message of body.messages as { role?: unknown; content?: unknown }[]) {
    if (message?.role === 'assistant') break;
    turns.push(`${String(message?.role)}\u0000${contentText(message?.content)}`);
    if (message?.role === 'user') break;
  }
  return turns.length > 0 ? turns.join('\u0001') : null;
}

/**
 * The key of the request's conversation: `x-session-id`, else the opening turns together with `user`. Hashed, and
 * apart for each caller and policy. Null when there is nothing to go by.
 */
export function conversationKey(request: RoutedRequest): string | null {
  const session = request.headers['x-session-id'];
  const user = typeof request.body.user === 'string' ? request.body.user : '';
  const opening = openingTurns(request.body);
  const name =
    typeof session === 'string' && session !== ''
      ? `s:${session}`
      : user !== ''
        ? `u:${user}`
        : opening !== null
          ? `t:${opening}`
          : null;
  return name === null
    ? null
    : digest(`${request.caller.tenant}\u0000${request.caller.id}\u0000${request.policy.name}\u0000${name}`);
}

export class Conversations {
  readonly #store: SharedStore;

  constructor(store: SharedStore) {
    this.#store = store;
  }

  /** Where the conversation is pinned; null when it is new, or its entry or target has left the table. */
  async find(key: string, policy: Policy, visit?: RedisVisit): Promise<Pin | null> {
    const text = await this.#store.get(`pin:${key}`, visit);
    if (text === null) return null;
    const [entry, target] = text.split('\u0000');
    return entry && target && policy.entries.has(entry) ? { entry, target } : null;
  }

  async pin(key: string, pin: Pin, ttlMs: number, visit?: RedisVisit): Promise<void> {
    await this.#store.set(`pin:${key}`, `${pin.entry}\u0000${pin.target}`, ttlMs, visit);
  }
}
