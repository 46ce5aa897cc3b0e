/** Rules that chat servers have for the order of messages. */
import { listOf, objectOf, textOf } from '../values.ts';

export type ChatMessage = Record<string, unknown>;

/** System messages at the beginning become one: many chat templates take no second. */
export function joinOpeningSystem(messages: ChatMessage[]): void {
  const count = messages.findIndex(({ role }) => role !== 'system');
  const opening = messages.slice(0, count < 0 ? messages.length : count);
  if (opening.length < 2) return;
  const content = opening.flatMap((message) => textOf(message.content) ?? []).join('\n\n');
  messages.splice(0, opening.length, { role: 'system', content });
}

/** A tool's answer stands right after its call and the answers before it, wherever the client sent it. */
export function answerCall(messages: ChatMessage[], id: string, content: string): void {
  const answer = { role: 'tool', tool_call_id: id, content };
  const call = messages.findLastIndex(({ tool_calls }) =>
    listOf(tool_calls).some((each) => objectOf(each).id === id),
  );
  let at = call < 0 ? messages.length : call + 1;
  while (call >= 0 && messages[at]?.role === 'tool') at++;
  messages.splice(at, 0, answer);
}
