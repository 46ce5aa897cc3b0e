/** What a stand-in says: short, the same for the same request, and plainly no model's words. */
import { sampleOf } from './json-sample.ts';

export interface ChatRequest {
  readonly model?: unknown;
  readonly messages?: readonly { role?: string; content?: unknown }[];
  readonly prompt?: unknown;
  readonly stream?: boolean;
  readonly stream_options?: { include_usage?: boolean } | null;
  readonly tools?: readonly { function?: { name?: string; parameters?: unknown } }[];
  readonly tool_choice?: unknown;
  readonly response_format?: { type?: string; json_schema?: { schema?: unknown } };
  readonly max_tokens?: number | null;
  readonly max_completion_tokens?: number | null;
  readonly n?: number | null;
}

/** Constant, so that equal requests get equal bytes. */
const CREATED = 1_700_000_000;
const EXCERPT_CHARS = 60;
const MAX_CHOICES = 16;

interface ContentPart {
  type?: string;
  text?: string;
}

function lastUserContent(request: ChatRequest): { text: string; images: number; sounds: number } {
  const content = request.messages?.findLast((m) => m?.role === 'user')?.content ?? request.prompt ?? '';
  if (typeof content === 'string') return { text: content, images: 0, sounds: 0 };
  const parts = (Array.isArray(content) ? content : []).map(
    (part): ContentPart => (typeof part === 'string' ? { type: 'text', text: part } : (part ?? {})),
  );
  return {
    text: parts.map((part) => part.text ?? '').join(' '),
    images: parts.filter((part) => part.type === 'image_url').length,
    sounds: parts.filter((part) => part.type === 'input_audio').length,
  };
}

/** Counts without making the words: prompts of megabytes come here. */
function words(text: string): number {
  let count = 0;
  let inWord = false;
  for (let i = 0; i < text.length; i++) {
    const isWord = text.charCodeAt(i) > 32;
    if (isWord && !inWord) count++;
    inWord = isWord;
  }
  return count;
}
const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

export function answerText(request: ChatRequest): string {
  const { text, images, sounds } = lastUserContent(request);
  const flat = text
    .slice(0, 4 * EXCERPT_CHARS)
    .replaceAll(/\s+/g, ' ')
    .trim();
  const excerpt = flat.length > EXCERPT_CHARS ? `${flat.slice(0, EXCERPT_CHARS - 3)}…` : flat;
  const seen = [
    plural(words(text), 'word'),
    ...(images > 0 ? [plural(images, 'image')] : []),
    ...(sounds > 0 ? [plural(sounds, 'sound')] : []),
  ];
  const toolResult = request.messages?.at(-1)?.role === 'tool' ? ' It was given a tool’s result.' : '';
  return `This is a stand-in for ${String(request.model)}, not the model itself. It read ${seen.join(' and ')}: "${excerpt}"${toolResult}`;
}

/** JSON where the request asks for it, with the schema's own keys, so that clients that parse it go on. */
function jsonText(request: ChatRequest): string | null {
  const { type, json_schema } = request.response_format ?? {};
  if (type === 'json_schema') return JSON.stringify(sampleOf(json_schema?.schema, 'stand-in'));
  return type === 'json_object'
    ? JSON.stringify({ stand_in_for: String(request.model), answer: answerText(request) })
    : null;
}

interface Answer {
  readonly text: string;
  readonly finish: 'stop' | 'length' | 'tool_calls';
  readonly call: {
    id: string;
    type: 'function';
    function: { name: string; arguments: string };
  } | null;
}

function answer(request: ChatRequest): Answer {
  const call = toolCall(request);
  if (call) return { text: '', finish: 'tool_calls', call };
  const full = jsonText(request) ?? answerText(request);
  const limit = request.max_completion_tokens ?? request.max_tokens;
  const pieces = full.split(/(?<= )/);
  if (typeof limit === 'number' && limit > 0 && pieces.length > limit)
    return { text: pieces.slice(0, limit).join(''), finish: 'length', call: null };
  return { text: full, finish: 'stop', call: null };
}

/** A tool is called when the request offers any, unless it forbids it or already brings a tool's result. */
function toolCall(request: ChatRequest): Answer['call'] {
  if (request.tool_choice === 'none' || request.messages?.at(-1)?.role === 'tool') return null;
  const chosen = (request.tool_choice as { function?: { name?: string } } | undefined)?.function?.name;
  const name = chosen ?? request.tools?.[0]?.function?.name;
  if (!name || !request.tools) return null;
  const text = lastUserContent(request).text.slice(0, 40);
  const { parameters } = request.tools.find((tool) => tool.function?.name === name)?.function ?? {};
  const known = Object.keys((parameters as { properties?: object } | undefined)?.properties ?? {}).length > 0;
  const given = known ? sampleOf(parameters, text) : { text };
  return { id: 'call_standin1', type: 'function', function: { name, arguments: JSON.stringify(given) } };
}

export function usageOf(request: ChatRequest): object {
  const prompt =
    (request.messages ?? []).reduce((sum, m) => sum + words(JSON.stringify(m?.content ?? '')), 0) +
    words(typeof request.prompt === 'string' ? request.prompt : '');
  const { text, call } = answer(request);
  const completion = Math.max(1, words(call ? call.function.arguments : text)) * choiceCount(request);
  return {
    prompt_tokens: Math.max(1, prompt),
    completion_tokens: completion,
    total_tokens: Math.max(1, prompt) + completion,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

const choiceCount = (request: ChatRequest) =>
  Math.min(MAX_CHOICES, Math.max(1, Math.trunc(Number(request.n ?? 1)) || 1));
const choiceIndexes = (request: ChatRequest) => [...Array(choiceCount(request)).keys()];

const head = (request: ChatRequest, object: string) => ({
  id: object.startsWith('chat') ? 'chatcmpl-standin' : 'cmpl-standin',
  object,
  created: CREATED,
  model: request.model,
  system_fingerprint: 'stand-in',
});

/** A whole chat completion. */
export function completion(request: ChatRequest): object {
  const { text, finish, call } = answer(request);
  const message = call
    ? { role: 'assistant', content: null, tool_calls: [call], refusal: null }
    : { role: 'assistant', content: text, refusal: null };
  const choices = choiceIndexes(request).map((index) => ({
    index,
    message,
    logprobs: null,
    finish_reason: finish,
  }));
  return { ...head(request, 'chat.completion'), choices, usage: usageOf(request) };
}

/** A whole answer of the older `/v1/completions`. */
export function textCompletion(request: ChatRequest): object {
  const { text, finish } = answer(request);
  const choices = choiceIndexes(request).map((index) => ({
    index,
    text,
    logprobs: null,
    finish_reason: finish,
  }));
  return { ...head(request, 'text_completion'), choices, usage: usageOf(request) };
}

/** The stream's `data:` payloads, `[DONE]` last. */
export function chunks(request: ChatRequest, kind: 'chat' | 'text' = 'chat'): string[] {
  const asksUsage = request.stream_options?.include_usage === true;
  const base = head(request, kind === 'chat' ? 'chat.completion.chunk' : 'text_completion');
  const event = (choice: object) =>
    JSON.stringify({ ...base, choices: [choice], ...(asksUsage && { usage: null }) });
  const chunk = (index: number, delta: object, finish_reason: string | null = null) =>
    event({ index, delta, logprobs: null, finish_reason });
  const { text, finish, call } = answer(request);
  const pieces = text.split(/(?<= )/);
  const out: string[] = [];
  for (const index of choiceIndexes(request)) {
    if (kind === 'text') {
      for (const piece of pieces)
        out.push(event({ index, text: piece, logprobs: null, finish_reason: null }));
      out.push(event({ index, text: '', logprobs: null, finish_reason: finish }));
      continue;
    }
    out.push(chunk(index, { role: 'assistant', content: call ? null : '' }));
    if (call) {
      const { name, arguments: args } = call.function;
      out.push(chunk(index, { tool_calls: [{ index: 0, ...call, function: { name, arguments: '' } }] }));
      for (let at = 0; at < args.length; at += 7)
        out.push(
          chunk(index, { tool_calls: [{ index: 0, function: { arguments: args.slice(at, at + 7) } }] }),
        );
    } else for (const piece of pieces) out.push(chunk(index, { content: piece }));
    out.push(chunk(index, {}, finish));
  }
  if (asksUsage) out.push(JSON.stringify({ ...base, choices: [], usage: usageOf(request) }));
  out.push('[DONE]');
  return out;
}
