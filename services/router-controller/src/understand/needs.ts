/** What a request needs that not every model can do, in every dialect. */
import { byteLength, jsonSize } from '../receive/index.ts';
import type { Needs } from './facts.ts';
import { asText, type Body, isItem, messageList } from './turns.ts';

/** UTF-8 bytes a token has on average: four letters of English, a character and a third of Chinese. */
const BYTES_PER_TOKEN = 4;
/** How deep content may nest: a tool's result inside a message. */
const DEPTH = 4;

const IMAGES = new Set(['image_url', 'input_image', 'image']);
const SOUNDS = new Set(['input_audio', 'audio']);
const FILES = new Set(['file', 'input_file', 'document']);

interface Seen {
  bytes: number;
  images: boolean;
  audio: boolean;
  files: boolean;
}

const sizeOf = (value: unknown) => (value == null ? 0 : jsonSize(value));

function readContent(content: unknown, seen: Seen, depth = 0): void {
  if (typeof content === 'string') seen.bytes += byteLength(content);
  else if (Array.isArray(content)) for (const part of content) readPart(part, seen, depth);
  else if (isItem(content)) readPart(content, seen, depth);
}

function readPart(part: unknown, seen: Seen, depth: number): void {
  if (typeof part === 'string') seen.bytes += byteLength(part);
  if (!isItem(part) || depth > DEPTH) return;
  const type = asText(part.type);
  if (IMAGES.has(type)) seen.images = true;
  else if (SOUNDS.has(type)) seen.audio = true;
  else if (FILES.has(type)) seen.files = true;
  if (typeof part.text === 'string') seen.bytes += byteLength(part.text);
  if (typeof part.thinking === 'string') seen.bytes += byteLength(part.thinking);
  if (part.content !== undefined) readContent(part.content, seen, depth + 1);
  if (type === 'tool_use') seen.bytes += asText(part.name).length + sizeOf(part.input);
}

function readMessage(message: unknown, seen: Seen): void {
  if (!isItem(message)) {
    readContent(message, seen);
    return;
  }
  const type = asText(message.type);
  if (typeof message.role !== 'string' && type !== '') readPart(message, seen, 0);
  else readContent(message.content, seen);
  if (typeof message.name === 'string') seen.bytes += message.name.length;
  if (Array.isArray(message.tool_calls) && message.tool_calls.length > 0)
    seen.bytes += sizeOf(message.tool_calls);
  if (message.output !== undefined) readContent(message.output, seen);
  if (typeof message.arguments === 'string') seen.bytes += byteLength(message.arguments);
}

const listed = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

function answerTokens(body: Body): number {
  const asked = body.max_completion_tokens ?? body.max_tokens ?? body.max_output_tokens ?? 0;
  // Anything may stand there; what is no number is for the upstream to refuse.
  const given = typeof asked === 'object' ? 0 : Number(asked);
  return Number.isFinite(given) && given > 0 ? Math.ceil(given) : 0;
}

export function formatOf(body: Body): 'text' | 'json_object' | 'json_schema' {
  const inText = isItem(body.text) ? body.text.format : undefined;
  const format = [body.response_format, inText].find(isItem);
  const type = asText(format?.type);
  return type === 'json_schema' || type === 'json_object' ? type : 'text';
}

/** Reads the needs off a request. Inline images and audio don't count as text; tool descriptions do. */
export function readNeeds(body: Body): Needs & { readonly files: boolean } {
  const seen: Seen = { bytes: 0, images: false, audio: false, files: false };
  readContent(body.system ?? body.instructions, seen);
  for (const message of messageList(body) ?? []) readMessage(message, seen);
  let { bytes } = seen;
  if (body.messages === undefined && body.prompt !== undefined) {
    readContent(body.prompt, seen);
    bytes = seen.bytes;
    if (typeof body.suffix === 'string') bytes += byteLength(body.suffix);
    const ids = Array.isArray(body.prompt) && typeof body.prompt[0] === 'number' ? body.prompt.length : 0;
    bytes += ids * BYTES_PER_TOKEN;
  }
  const tools = listed(body.tools) ? body.tools : body.functions;
  if (listed(tools)) bytes += sizeOf(tools);
  const prompt_tokens = Math.ceil(bytes / BYTES_PER_TOKEN);
  const answer = answerTokens(body);
  return {
    vision: seen.images,
    audio: seen.audio || (Array.isArray(body.modalities) && body.modalities.includes('audio')),
    files: seen.files,
    tools: listed(tools),
    json_schema: formatOf(body) === 'json_schema',
    streaming: body.stream === true,
    prompt_tokens,
    answer_tokens: answer,
    context_tokens: prompt_tokens + answer,
  };
}

/** The needs alone. */
export function needsOf(body: Body): Needs {
  const { files: _files, ...needs } = readNeeds(body);
  return needs;
}
