/** What a request needs that not every model can do. */
import type { Target } from '../../config/types.ts';
import { promptTexts } from '../../dialects/index.ts';
import type { ChatBody } from '../../request.ts';
import { BYTES_PER_TOKEN } from '../usage.ts';

export interface Needs {
  readonly vision: boolean;
  readonly audio: boolean;
  readonly tools: boolean;
  readonly json_schema: boolean;
  readonly streaming: boolean;
  /** Estimated prompt, tokens. */
  readonly prompt_tokens: number;
  /** Largest answer asked for; 0: not said. */
  readonly answer_tokens: number;
  /** Estimated prompt plus the answer asked for. */
  readonly context_tokens: number;
}

const listed = (value: unknown) => Array.isArray(value) && value.length > 0;

/** Reads the needs off a request. Inline images and audio don't count as text; tool descriptions do. */
export function needsOf(body: ChatBody): Needs {
  let vision = false;
  let audio = false;
  for (const message of Array.isArray(body.messages) ? (body.messages as { content?: unknown }[]) : []) {
    if (!Array.isArray(message?.content)) continue;
    for (const part of message.content as { type?: unknown }[]) {
      if (part?.type === 'image_url' || part?.type === 'input_image') vision = true;
      if (part?.type === 'input_audio') audio = true;
    }
  }
  let bytes = 0;
  for (const text of promptTexts(body)) bytes += Buffer.byteLength(text);
  const tools = listed(body.tools) || listed(body.functions);
  const asked = body.max_completion_tokens ?? body.max_tokens ?? 0;
  // Anything may stand there; what is no number is for the upstream to refuse.
  const given = typeof asked === 'object' ? 0 : Number(asked);
  const answer = Number.isFinite(given) && given > 0 ? Math.ceil(given) : 0;
  const format = body.response_format as { type?: unknown } | null | undefined;
  const promptTokens = Math.ceil(bytes / BYTES_PER_TOKEN);
  return {
    vision,
    audio: audio || (Array.isArray(body.modalities) && body.modalities.includes('audio')),
    tools,
    json_schema: format?.type === 'json_schema',
    streaming: body.stream === true,
    prompt_tokens: promptTokens,
    answer_tokens: answer,
    context_tokens: promptTokens + answer,
  };
}

/** What the target says it lacks of the needs, in words; empty when it can do all, or says nothing. */
export function lacks({ capabilities }: Target, needs: Needs): string[] {
  const missing: string[] = (['vision', 'audio', 'tools', 'json_schema', 'streaming'] as const).filter(
    (need) => needs[need] && capabilities[need] === false,
  );
  const limit = capabilities.context_tokens;
  if (limit !== undefined && needs.context_tokens > limit) {
    missing.push(`context (about ${needs.context_tokens} tokens, it takes ${limit})`);
  }
  return missing;
}
