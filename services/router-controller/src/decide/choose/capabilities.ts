/** What a target can't do of what a request needs. */
import type { Target } from '../../config/types.ts';
import { unspoken } from '../../dialects/index.ts';
import type { Needs } from '../../understand/index.ts';

const KINDS = ['vision', 'audio', 'tools', 'json_schema', 'streaming'] as const;

/** What the target says it lacks of the needs, in words; empty when it can do all, or says nothing. */
export function lacks({ capabilities, apis }: Target, needs: Needs): string[] {
  const missing: string[] = KINDS.filter((need) => needs[need] && capabilities[need] === false);
  const limit = capabilities.context_tokens;
  if (limit !== undefined && needs.context_tokens > limit) {
    missing.push(`context (about ${needs.context_tokens} tokens, it takes ${limit})`);
  }
  const speech = unspoken(apis, needs.speech);
  return speech === null ? missing : [...missing, speech];
}

/** What it lacks but for the length of the prompt and the answer. */
export const lacksKind = ({ capabilities, apis }: Target, needs: Needs): boolean =>
  KINDS.some((need) => needs[need] && capabilities[need] === false) || unspoken(apis, needs.speech) !== null;

/** Tokens it takes; one that does not say is taken to be large. */
export const windowOf = ({ capabilities }: Target): number =>
  capabilities.context_tokens ?? Number.POSITIVE_INFINITY;
