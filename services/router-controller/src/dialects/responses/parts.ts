/** Parts of a message's content, as chat has them. */

import type { Notes } from '../notes.ts';
import { isObject, type Json, textOf, wordOf } from '../values.ts';
import { PARTS } from './tables.ts';

/** One text is a string: many servers take no lists. */
export function chatParts(content: unknown, place: string, notes: Notes): string | Json[] {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) {
    notes.refuse(place, 'must be a string or a list of parts');
    return '';
  }
  const parts = content.flatMap((part, index) => chatPart(part, `${place}[${index}]`, notes));
  return parts.length === 1 && parts[0]!.type === 'text' ? (parts[0]!.text as string) : parts;
}

/** The text of parts, one below the other. */
export function plainText(parts: string | readonly Json[]): string {
  if (typeof parts === 'string') return parts;
  return parts.flatMap((part) => textOf(part.text) ?? []).join('\n');
}

function chatPart(part: unknown, place: string, notes: Notes): Json[] {
  if (typeof part === 'string') return [{ type: 'text', text: part }];
  if (!isObject(part)) {
    notes.refuse(place, 'a part must be an object');
    return [];
  }
  const type = wordOf(part.type);
  if (!Object.hasOwn(PARTS, type)) {
    notes.refuse(place, `content of type '${type}' is not known to chat completions`);
    return [];
  }
  if (type === 'input_image') return image(part, place, notes);
  if (type === 'input_file') return file(part, place, notes);
  if (type === 'input_audio') return [{ type, input_audio: part.input_audio }];
  const text = textOf(part.text) ?? textOf(part.refusal);
  return text === null ? [] : [{ type: 'text', text }];
}

function image(part: Json, place: string, notes: Notes): Json[] {
  const url = textOf(part.image_url);
  if (url === null) {
    notes.refuse(place, 'an uploaded file is known only to who stores it; send the image as a data URL');
    return [];
  }
  const detail = textOf(part.detail);
  // `auto` is chat's default, and some servers know no detail at all.
  return [{ type: 'image_url', image_url: { url, ...(detail && detail !== 'auto' && { detail }) } }];
}

function file(part: Json, place: string, notes: Notes): Json[] {
  const data = textOf(part.file_data);
  if (data === null) {
    notes.refuse(place, 'a file by id or URL is fetched by the Responses API only; send it as `file_data`');
    return [];
  }
  return [{ type: 'file', file: { filename: textOf(part.filename) ?? 'file', file_data: data } }];
}
