/** The name under which a conversation is kept: hashed, and apart for each caller and policy. */
import type { Caller } from '../../request.ts';
import { digest, type RequestFacts } from '../../understand/index.ts';

export interface Owner {
  readonly caller: Pick<Caller, 'id' | 'tenant'>;
  readonly address: string;
  readonly policy: string;
}

export interface ConversationKeys {
  /** The conversation as it is told and kept. */
  readonly key: string;
  /** Where its first turn was kept, before there was an answer to tell it by; null: it has a name of its own. */
  readonly opener: string | null;
  /** The client named it itself. */
  readonly named: boolean;
}

/** A cache key is one for all who share a prompt's beginning: it tells conversations apart only with their openers. */
const SHARED_NAMES = new Set(['prompt_cache_key']);

/**
 * A session that the client names; else what the conversation opened with, together with its first answer, so that two
 * people who both say "Hello" are two. Null when there is nothing to go by, and for side requests: they are about a
 * conversation, not of it.
 */
export function conversationKeys(
  facts: RequestFacts,
  { caller, address, policy }: Owner,
): ConversationKeys | null {
  const { identity, features } = facts;
  if (features.sideRequest !== null || features.path === 'fim' || features.path === 'completion') return null;
  const owner = [caller.tenant, caller.id, policy] as const;
  const agent = identity.agent ?? '';
  if (identity.session && !SHARED_NAMES.has(identity.session.from))
    return { key: digest('s', ...owner, identity.session.value, agent), opener: null, named: true };
  if (identity.opener === null) return null;
  const name = [
    ...owner,
    address,
    identity.user ?? '',
    identity.session?.value ?? '',
    agent,
    identity.opener,
  ] as const;
  const opener = digest('o', ...name);
  return identity.answer === null
    ? { key: opener, opener: null, named: false }
    : { key: digest('c', ...name, identity.answer), opener, named: false };
}

/** What an experiment goes by: the same for every turn of a conversation, the first included. */
export function experimentKey(facts: RequestFacts, { caller, policy }: Owner): string {
  const { identity, ask } = facts;
  const name = identity.session ? identity.session.value : (identity.opener ?? ask.text);
  return [caller.tenant, caller.id, policy, identity.session ? 's' : 'o', name].join('\u0000');
}
