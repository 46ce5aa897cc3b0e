/** Tokens of what is no text in a prompt, estimated by its kind and size. */
import type { MediaConfig } from '../config/schema.ts';
import { byteLength } from '../receive/index.ts';

type Kind = 'image' | 'audio' | 'file';

/** Parts of a message in the spellings of OpenAI's chat and Responses APIs, of Anthropic's, and of vLLM's video. */
function kindOf(part: unknown): Kind | null {
  const type = (part as { type?: unknown } | null)?.type;
  if (typeof type !== 'string') return null;
  if (/image/.test(type)) return 'image';
  if (/audio/.test(type)) return 'audio';
  return /file|document|video/.test(type) ? 'file' : null;
}

export const isMedia = (part: unknown): boolean => kindOf(part) !== null;

/** Ids and URLs are shorter; what is longer is the thing itself. */
const REFERENCE_CHARS = 2_048;
/** How deep the data lies at most: `file: { file_data }`. */
const DEPTH = 3;

/** Bytes of the longest text in a part. */
function longest(value: unknown, depth: number): number {
  if (typeof value === 'string') return /^https?:/i.test(value) ? 0 : byteLength(value);
  if (value === null || typeof value !== 'object' || depth === 0) return 0;
  return Object.values(value).reduce<number>((most, each) => Math.max(most, longest(each, depth - 1)), 0);
}

/** Estimated tokens of one part of a message; 0 where it is no medium. */
export function mediaTokens(part: unknown, assumed: MediaConfig): number {
  const kind = kindOf(part);
  if (kind === null) return 0;
  if (kind === 'image') return assumed.image_tokens;
  const chars = longest(part, DEPTH);
  if (chars <= REFERENCE_CHARS) return assumed.reference_tokens;
  // Base64 has four characters for three bytes.
  const bytes = (chars / 4) * 3;
  return Math.ceil(bytes / (kind === 'audio' ? assumed.audio_bytes_per_token : assumed.file_bytes_per_token));
}
