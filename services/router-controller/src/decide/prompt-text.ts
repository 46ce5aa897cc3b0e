/** Which words of a request are classified. */
import type { ChatBody } from '../request.ts';

export interface PromptText {
  readonly text: string;
  /** True when the middle was left out because the text was longer than `max_chars`. */
  readonly cut: boolean;
  /** Length of the whole text, UTF-16 units. */
  readonly chars: number;
}

/** Text of one message's content: a string, or the text parts of a content array, joined by line breaks. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) =>
      typeof part === 'string' ? part : part?.type === 'text' || part?.type === 'input_text' ? part.text : '',
    )
    .filter((text) => typeof text === 'string' && text !== '')
    .join('\n');
}

/** Moves a cut off the middle of a surrogate pair, so that no half character is sent. */
function safeIndex(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff ? index + 1 : index;
}

/** Keeps head and tail: the request usually stands before or after what is pasted, not in its middle. */
export function cutMiddle(text: string, maxChars: number): { text: string; cut: boolean } {
  if (text.length <= maxChars) return { text, cut: false };
  const half = Math.floor((maxChars - 1) / 2);
  const head = text.slice(0, safeIndex(text, half));
  const tail = text.slice(safeIndex(text, text.length - half));
  return { text: `${head} ${tail}`, cut: true };
}

/**
 * The text that is classified: the last user message by default, or the last `turns` user messages that have text.
 * Turns without text (images alone, tool results, null content) fall back to the last user text before them.
 * A legacy completion's `prompt` is taken as one user message.
 */
export function promptText(body: ChatBody, options: { turns: number; max_chars: number }): PromptText {
  const texts: string[] = [];
  if (Array.isArray(body.messages)) {
    for (let i = body.messages.length - 1; i >= 0 && texts.length < options.turns; i--) {
      const message = body.messages[i] as { role?: unknown; content?: unknown } | null;
      if (message?.role !== 'user') continue;
      const text = contentText(message.content);
      if (text.trim() !== '') texts.unshift(text);
    }
  } else if (body.prompt !== undefined) {
    texts.push(
      Array.isArray(body.prompt)
        ? body.prompt.filter((p) => typeof p === 'string').join('\n')
        : contentText(body.prompt),
    );
  }
  const whole = texts.join('\n\n');
  return { ...cutMiddle(whole, options.max_chars), chars: whole.length };
}
