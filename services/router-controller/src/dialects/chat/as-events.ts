/** A plain answer of chat completions told as a stream: one chunk with all of each message, usage where it was asked for. */
import { parseJson } from '../json.ts';

interface Answer {
  readonly object?: unknown;
  readonly usage?: unknown;
  readonly choices?: readonly Record<string, unknown>[];
}

const event = (data: string) => `data: ${data}\n\n`;

/** Tool calls of a delta are told apart by their index. */
function deltaOf(message: unknown): unknown {
  const { tool_calls, ...rest } = (message ?? {}) as { tool_calls?: unknown };
  if (!Array.isArray(tool_calls)) return rest;
  return { ...rest, tool_calls: tool_calls.map((call, index) => ({ index, ...(call as object) })) };
}

/** @param body an answer that was judged to be one */
export function asEvents(body: Buffer, hideUsage: boolean): Buffer {
  const { usage, choices = [], object, ...head } = parseJson(body.toString('utf8')) as Answer;
  const told = choices.map(({ message, ...choice }, index) => ({
    index,
    ...choice,
    ...(message !== undefined && { delta: deltaOf(message) }),
  }));
  const chunk = { ...head, object: object === 'chat.completion' ? 'chat.completion.chunk' : object };
  const events = [event(JSON.stringify({ ...chunk, choices: told }))];
  if (usage && !hideUsage) events.push(event(JSON.stringify({ ...chunk, choices: [], usage })));
  return Buffer.from([...events, event('[DONE]')].join(''));
}
