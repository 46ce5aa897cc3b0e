/** One shape for the messages of every dialect: chat, legacy completions, Responses, Anthropic Messages. */

export type Role = 'system' | 'user' | 'assistant' | 'tool';
export type PartKind = 'text' | 'image' | 'audio' | 'file' | 'result' | 'call';

export interface Part {
  readonly kind: PartKind;
  /** Text, a call's name and arguments, or the address of a medium. */
  readonly text: string;
}

export interface Turn {
  readonly role: Role;
  readonly parts: readonly Part[];
}

export type Body = Readonly<Record<string, unknown>>;
type Item = Readonly<Record<string, unknown>>;

/** Most messages that are looked into; of longer conversations the beginning and the end. */
const MOST_TURNS = 240;
const FIRST_TURNS = 20;

export const isItem = (value: unknown): value is Item =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
export const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

const MEDIA: ReadonlyMap<string, PartKind> = new Map(
  Object.entries<PartKind>({
    image_url: 'image',
    input_image: 'image',
    image: 'image',
    input_audio: 'audio',
    audio: 'audio',
    file: 'file',
    input_file: 'file',
    document: 'file',
  }),
);

/** Where a medium is, or what it begins with: enough to tell two apart. */
function mediumText(part: Item): string {
  const inner = [part.image_url, part.source, part.input_audio, part.file, part.audio].find(
    (value) => typeof value === 'string' || isItem(value),
  );
  if (typeof inner === 'string') return inner;
  const of = isItem(inner) ? inner : part;
  return (
    [of.url, of.data, of.file_data, of.file_id, of.image_url].map(asText).find((text) => text !== '') ?? ''
  );
}

function partOf(part: unknown): Part | null {
  if (typeof part === 'string') return { kind: 'text', text: part };
  if (!isItem(part)) return null;
  const type = asText(part.type);
  const medium = MEDIA.get(type);
  if (medium) return { kind: medium, text: mediumText(part) };
  if (type === 'tool_result' || type.endsWith('_tool_result') || type.endsWith('_call_output'))
    return { kind: 'result', text: '' };
  if (type === 'tool_use' || type === 'server_tool_use') return { kind: 'call', text: asText(part.name) };
  if (type === 'thinking' || type === 'reasoning' || type === 'redacted_thinking') return null;
  const text = asText(part.text) || asText(part.refusal);
  return text === '' ? null : { kind: 'text', text };
}

export function partsOf(content: unknown): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) {
    const one = isItem(content) ? partOf(content) : null;
    return one ? [one] : [];
  }
  const parts: Part[] = [];
  for (const part of content) {
    const made = partOf(part);
    if (made) parts.push(made);
  }
  return parts;
}

const ROLES: ReadonlyMap<string, Role> = new Map(
  Object.entries<Role>({
    system: 'system',
    developer: 'system',
    user: 'user',
    human: 'user',
    assistant: 'assistant',
    model: 'assistant',
    tool: 'tool',
    function: 'tool',
    ipython: 'tool',
  }),
);

function callParts(message: Item): Part[] {
  const calls = Array.isArray(message.tool_calls)
    ? message.tool_calls
    : [{ function: message.function_call }];
  return calls.flatMap((call): Part[] => {
    const named = isItem(call) && isItem(call.function) ? call.function : null;
    return named
      ? [{ kind: 'call', text: `${asText(named.name)} ${asText(named.arguments).slice(0, 200)}` }]
      : [];
  });
}

function turnOf(item: unknown): Turn | null {
  if (typeof item === 'string') return { role: 'user', parts: partsOf(item) };
  if (!isItem(item)) return null;
  const role = ROLES.get(asText(item.role).toLowerCase());
  const type = asText(item.type);
  // Items of the Responses API that are no messages.
  if (!role) {
    if (type.endsWith('_output')) return { role: 'tool', parts: [{ kind: 'result', text: '' }] };
    if (type.endsWith('_call') || type === 'mcp_approval_request')
      return {
        role: 'assistant',
        parts: [
          { kind: 'call', text: `${asText(item.name) || type} ${asText(item.arguments).slice(0, 200)}` },
        ],
      };
    const part = type.startsWith('input_') ? partOf(item) : null;
    return part ? { role: 'user', parts: [part] } : null;
  }
  const parts = partsOf(item.content);
  if (role !== 'assistant' || (item.tool_calls == null && item.function_call == null)) return { role, parts };
  return { role, parts: [...parts, ...callParts(item)] };
}

/** The list in which a request's messages stand, whatever its dialect calls it; null for a legacy completion. */
export function messageList(body: Body): readonly unknown[] | null {
  if (Array.isArray(body.messages)) return body.messages;
  const { input } = body;
  if (Array.isArray(input)) return input;
  if (typeof input === 'string' || isItem(input))
    return [typeof input === 'string' ? { role: 'user', content: input } : input];
  return null;
}

export interface Conversation {
  readonly turns: readonly Turn[];
  /** Of the whole request, those that are not looked into included. */
  readonly messages: number;
}

/**
 * The turns in order. A top-level `system` or `instructions` comes first. Tools' results are turns of the role `tool`,
 * also where the dialect sends them as a user's.
 */
export function readTurns(body: Body): Conversation {
  const turns: Turn[] = [];
  const head = partsOf(body.system ?? body.instructions);
  if (head.length > 0) turns.push({ role: 'system', parts: head });
  const list = messageList(body) ?? [];
  const skip = list.length > MOST_TURNS ? list.length - MOST_TURNS : 0;
  for (let i = 0; i < list.length; i++) {
    if (skip > 0 && i === FIRST_TURNS) i += skip;
    const turn = turnOf(list[i]);
    if (!turn) continue;
    const results = turn.role === 'user' && turn.parts.some(({ kind }) => kind === 'result');
    if (!results) turns.push(turn);
    else {
      turns.push({ role: 'tool', parts: turn.parts.filter(({ kind }) => kind === 'result') });
      const rest = turn.parts.filter(({ kind }) => kind !== 'result');
      if (rest.length > 0) turns.push({ role: 'user', parts: rest });
    }
  }
  return { turns, messages: list.length };
}

export const textOf = (turn: Turn): string =>
  turn.parts.length === 1 && turn.parts[0]!.kind === 'text'
    ? turn.parts[0]!.text
    : turn.parts
        .filter(({ kind }) => kind === 'text')
        .map(({ text }) => text)
        .join('\n');

/** The text of a legacy completion's prompt: a string or a list of them; token ids have none. */
export function legacyPrompt(prompt: unknown): string {
  if (typeof prompt === 'string') return prompt;
  if (!Array.isArray(prompt)) return '';
  const texts: string[] = [];
  for (const item of prompt) {
    if (typeof item === 'number') break;
    if (typeof item === 'string') texts.push(item);
    else if (isItem(item) && typeof item.text === 'string') texts.push(item.text);
  }
  return texts.join('\n');
}
