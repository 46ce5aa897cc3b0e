/** What a request needs that not every model can do. */
import type { Target } from '../config/types.ts';
import type { ChatBody } from '../request.ts';

export interface Needs {
  readonly vision: boolean;
  readonly audio: boolean;
  readonly tools: boolean;
  readonly json_schema: boolean;
  readonly streaming: boolean;
  /** Estimated prompt plus the answer asked for. */
  readonly context_tokens: number;
}

interface Part {
  type?: unknown;
}

const CHARS_PER_TOKEN = 4;

/** Reads the needs off a request. Inline images and audio don't count as text. */
export function needsOf(body: ChatBody): Needs {
  let vision = false;
  let audio = false;
  let chars = 0;
  for (const message of Array.isArray(body.messages) ? (body.messages as { content?: unknown }[]) : []) {
    const content = message?.content;
    if (typeof content === 'string') chars += content.length;
    if (!Array.isArray(content)) continue;
    for (const part of content as (Part & { text?: unknown })[]) {
      if (part?.type === 'image_url' || part?.type === 'input_image') vision = true;
      if (part?.type === 'input_audio') audio = true;
      if (typeof part?.text === 'string') chars += part.text.length;
    }
  }
  const answer = Number(body.max_completion_tokens ?? body.max_tokens ?? 0);
  const format = body.response_format as { type?: unknown } | undefined;
  return {
    vision,
    audio,
    tools: (Array.isArray(body.tools) && body.tools.length > 0) || Array.isArray(body.functions),
    json_schema: format?.type === 'json_schema',
    streaming: body.stream === true,
    context_tokens: Math.ceil(chars / CHARS_PER_TOKEN) + (Number.isFinite(answer) ? answer : 0),
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
