/** The messages of a Messages request as those of a chat. */

import type { ChatCall, ChatHistory } from '../chat/messages.ts';
import { functionName } from '../chat/names.ts';
import type { ChatOptions } from '../dialect.ts';
import type { Notes } from '../notes.ts';
import { isObject, type Json, listOf, objectOf, rowOf, textOf, wordOf } from '../values.ts';
import { BLOCKS } from './tables.ts';

/** Text that Claude Code puts before its system prompt: new with every request, it would spoil every prompt cache. */
const BILLING = 'x-anthropic-billing-header:';

export function systemText(system: unknown, notes: Notes): string {
  if (typeof system === 'string') return system;
  return listOf(system)
    .flatMap((block, index) => {
      const text = textOf(objectOf(block).text);
      if (text === null) notes.refuse(`system[${index}]`, 'only text blocks are known to chat completions');
      return text === null || text.startsWith(BILLING) ? [] : [text];
    })
    .join('\n\n');
}

export function addMessages(to: ChatHistory, from: unknown, options: ChatOptions, notes: Notes): void {
  if (!Array.isArray(from)) {
    notes.refuse('messages', 'must be a list of messages');
    return;
  }
  for (const [index, each] of from.entries()) {
    const place = `messages[${index}]`;
    const { role, content } = objectOf(each);
    if (role === 'assistant') assistant(to, content, `${place}.content`, options, notes);
    else if (role === 'user') user(to, content, `${place}.content`, notes);
    else if (role === 'system') to.push({ role, content: systemText(content, notes) });
    else notes.refuse(`${place}.role`, `'${wordOf(role)}' is none of user, assistant, system`);
  }
}

function assistant(
  to: ChatHistory,
  content: unknown,
  place: string,
  options: ChatOptions,
  notes: Notes,
): void {
  if (typeof content === 'string') {
    to.push({ role: 'assistant', content });
    return;
  }
  notes.shape(place, content, 'text or list');
  const texts: string[] = [];
  const calls: ChatCall[] = [];
  let reasoning = '';
  for (const [index, block] of listOf(content).entries()) {
    const at = `${place}[${index}]`;
    const { type, id, name, input, thinking } = objectOf(block);
    if (type === 'tool_use')
      calls.push({
        id,
        type: 'function',
        function: { name: functionName(textOf(name) ?? ''), arguments: options.nested(input ?? {}) },
      });
    else if (type === 'thinking') reasoning += textOf(thinking) ?? '';
    else texts.push(...parts(block, at, notes).flatMap((part) => textOf(part.text) ?? []));
  }
  const text = texts.join('\n');
  to.push(
    {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      ...(options.reasoning && reasoning !== '' && { reasoning_content: reasoning }),
    },
    calls,
  );
}

/** Results of tools come first, each a message of its own; what else the user says comes after. */
function user(to: ChatHistory, content: unknown, place: string, notes: Notes): void {
  if (typeof content === 'string') {
    to.push({ role: 'user', content });
    return;
  }
  if (!Array.isArray(content)) {
    notes.refuse(place, 'must be a string or a list of blocks');
    return;
  }
  const said: Json[] = [];
  const pictures: Json[] = [];
  let answered = false;
  for (const [index, block] of content.entries()) {
    const at = `${place}[${index}]`;
    if (objectOf(block).type !== 'tool_result') {
      said.push(...parts(block, at, notes));
      continue;
    }
    answered = true;
    const { tool_use_id, content: result, is_error } = objectOf(block);
    notes.shape(`${at}.content`, result, 'text or list');
    const inside =
      typeof result === 'string'
        ? [{ type: 'text', text: result }]
        : listOf(result).flatMap((each, inner) => parts(each, `${at}.content[${inner}]`, notes));
    const text = inside.flatMap((part: Json) => textOf(part.text) ?? []).join('\n');
    pictures.push(...inside.filter((part) => part.type !== 'text'));
    to.answer(textOf(tool_use_id) ?? '', is_error === true ? `Error: ${text}` : text);
  }
  const shown = pictures.length > 0 ? [{ type: 'text', text: 'What the tool returned:' }, ...pictures] : [];
  const all = [...shown, ...said];
  if (all.length === 0 && answered) return;
  const only = all.length === 1 && all[0]!.type === 'text' ? all[0]!.text : all;
  to.push({ role: 'user', content: only });
}

function parts(block: unknown, place: string, notes: Notes): Json[] {
  if (!isObject(block)) {
    notes.refuse(place, 'a block must be an object');
    return [];
  }
  const type = wordOf(block.type);
  const row = rowOf(BLOCKS, type);
  if (!row) notes.refuse(place, `a block of type '${type}' is not known to chat completions`);
  else if (row.fate === 'refused') notes.refuse(place, row.note!);
  else if (row.fate === 'dropped' && !row.quiet) notes.drop(`messages.${type}`);
  if (row?.fate !== 'mapped') return [];
  if (type === 'image') return image(objectOf(block.source), place, notes);
  if (type === 'document') return document(block, place, notes);
  if (type === 'search_result') {
    const found = listOf(block.content).flatMap((each) => textOf(objectOf(each).text) ?? []);
    return [
      {
        type: 'text',
        text: [textOf(block.title), textOf(block.source), ...found].filter(Boolean).join('\n'),
      },
    ];
  }
  const text = textOf(block.text);
  return text === null ? [] : [{ type: 'text', text }];
}

function image(source: Json, place: string, notes: Notes): Json[] {
  if (source.type === 'base64') {
    const { media_type, data } = source;
    if (typeof media_type === 'string' && typeof data === 'string')
      return [{ type: 'image_url', image_url: { url: `data:${media_type};base64,${data}` } }];
    notes.refuse(place, 'an image as base64 needs `media_type` and `data`, both text');
    return [];
  }
  if (source.type === 'url') return [{ type: 'image_url', image_url: { url: source.url } }];
  notes.refuse(place, 'an uploaded file is known only to who stores it; send the image as base64');
  return [];
}

function document({ source: given, title, context }: Json, place: string, notes: Notes): Json[] {
  const source = objectOf(given);
  const before = [textOf(title), textOf(context)].filter(Boolean);
  const asText = (texts: readonly string[]) => [{ type: 'text', text: [...before, ...texts].join('\n') }];
  if (source.type === 'text') return asText([textOf(source.data) ?? '']);
  if (source.type === 'content') {
    if (typeof source.content === 'string') return asText([source.content]);
    const inside = listOf(source.content).flatMap((each, at) =>
      parts(each, `${place}.content[${at}]`, notes),
    );
    return [...(before.length > 0 ? asText([]) : []), ...inside];
  }
  if (source.type === 'base64') {
    const { media_type, data } = source;
    if (typeof media_type !== 'string' || typeof data !== 'string') {
      notes.refuse(place, 'a document as base64 needs `media_type` and `data`, both text');
      return [];
    }
    const file_data = `data:${media_type};base64,${data}`;
    return [{ type: 'file', file: { filename: textOf(title) ?? 'document.pdf', file_data } }];
  }
  notes.refuse(place, 'a document by URL or file id is fetched by the Messages API only; send it as base64');
  return [];
}
