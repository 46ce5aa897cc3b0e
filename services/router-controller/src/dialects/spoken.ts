/** Which targets can be put a request to at all: in its own API, or as a chat completion. */
import type { Dialect, Endpoint } from '../request.ts';
import type { Translation } from './dialect.ts';

/** What a request asks of a target's `apis`. */
export interface SpeechNeed {
  readonly api: 'chat' | 'responses' | 'messages';
  readonly path: string;
  /** Why it can't be a chat completion; null: it can. */
  readonly untranslatable: string | null;
  /** The first member that chat has nothing like. */
  readonly param?: string;
}

/** v1's completions are chat's older sister. */
export const apiOf = (dialect: Dialect) => (dialect === 'completions' ? 'chat' : dialect);

/** @param view null for what is chat already. */
export function speechNeed(endpoint: Endpoint, view: Translation | null): SpeechNeed {
  const api = apiOf(endpoint.dialect);
  const { path } = endpoint;
  // A count that no target can be asked for is made here.
  if (endpoint.counts) return { api, path, untranslatable: null };
  if (api === 'chat' || view === null || endpoint.onlyAt)
    return { api, path, untranslatable: `which ${path} needs` };
  const why = view.refusals.map(({ message }) => message).join('; ');
  return {
    api,
    path,
    untranslatable: why === '' ? null : `and chat completions can’t do without it: ${why}`,
    ...(view.refusals[0] && { param: view.refusals[0].param }),
  };
}

/** Why a target of these APIs can't be asked, in words that go after "lacks"; null: it can. */
export function unspoken(apis: readonly string[], need: SpeechNeed | undefined): string | null {
  if (!need || apis.includes(need.api)) return null;
  if (need.api !== 'chat' && need.untranslatable === null && apis.includes('chat')) return null;
  return `the ${need.api} API, ${need.untranslatable ?? 'and speaks no chat completions either'}`;
}
