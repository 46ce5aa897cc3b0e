/** Mixes of requests, like what routers see: short questions, long documents, agents' loops, and all of them together. */
import { randomBytes } from 'node:crypto';
import type { Conversation, Message } from './prompts.ts';

/** What one request asks, beside model and limits. */
export interface Ask {
  readonly messages: Conversation;
  readonly tools?: readonly object[];
}

export const MIXES = ['short', 'long', 'agent', 'real'] as const;
export type Mix = (typeof MIXES)[number];

const tool = (name: string, property: string) => ({
  type: 'function',
  function: {
    name,
    description: `The tool ${name}`,
    parameters: { type: 'object', properties: { [property]: { type: 'string' } }, required: [property] },
  },
});
const TOOLS = [tool('read_file', 'path'), tool('edit_file', 'path'), tool('run_command', 'command')];
const SYSTEM =
  'You are a coding agent in a terminal. Work in small steps, run the tests, and say what you did.\n' +
  'Environment: linux, a git repository, the shell is bash.\n';

const PARAGRAPH =
  'The committee met on Tuesday and heard three reports. The first told of the bridge, whose piers have settled by ' +
  'four centimetres since spring; the second of the ferry, which leaves at 9:15 and 14:40; the third of the budget. ';

/** A document and a question about it, of some 500 to 4000 words. */
const long = (question: Message, place: number): Ask => ({
  messages: [
    {
      role: 'user',
      content: `Here is a document.\n\n${PARAGRAPH.repeat(10 + (place % 8) * 10)}\n\n${String(question.content)}`,
    },
  ],
});

/** An agent's turn: its order at the start, then some rounds with tools. */
function agent(order: Message, place: number): Ask {
  const rounds = Array.from({ length: place % 4 }, (_, round): Message[] => {
    const id = `call_${place}_${round}`;
    const call = { name: 'run_command', arguments: JSON.stringify({ command: `npm test -- ${round}` }) };
    return [
      { role: 'assistant', content: '', tool_calls: [{ id, type: 'function', function: call }] } as Message,
      {
        role: 'tool',
        tool_call_id: id,
        content: `round ${round}: 12 passed, 1 failed\n${'.'.repeat(400)}`,
      } as Message,
    ];
  });
  return { messages: [{ role: 'system', content: SYSTEM }, order, ...rounds.flat()], tools: TOOLS };
}

/** Of ten requests of real traffic: so many of each kind, in an order that repeats. */
const REAL: readonly Exclude<Mix, 'real'>[] = [
  ...(['short', 'agent', 'short', 'long', 'short'] as const),
  ...(['short', 'agent', 'long', 'short', 'agent'] as const),
];

/** @param place of the request in the run */
export function askOf(mix: Mix, prompts: readonly Conversation[], place: number): Ask {
  const messages = prompts[place % prompts.length]!;
  const kind = mix === 'real' ? REAL[place % REAL.length]! : mix;
  const last = messages.findLast(({ role }) => role === 'user');
  if (kind === 'short' || typeof last?.content !== 'string') return { messages };
  return kind === 'long' ? long(last, place) : agent(last, place);
}

/** Of one run, so that no cache knows a request from the run before either. */
export const newTag = (): string => randomBytes(3).toString('hex');

/** The same request with words that no other one has, after what it asks. */
export function unique({ messages, ...rest }: Ask, tag: string, place: number): Ask {
  const at = messages.findLastIndex(({ role, content }) => role === 'user' && typeof content === 'string');
  if (at < 0) return { messages, ...rest };
  const marked = { ...messages[at]!, content: `${String(messages[at]!.content)}\n\n(case ${tag}-${place})` };
  return { messages: messages.with(at, marked), ...rest };
}
