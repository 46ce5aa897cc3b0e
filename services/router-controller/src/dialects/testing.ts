/** For tests: chat answers as servers stream them, in any cut, and real SDKs that read what is made of them. */
import fc from 'fast-check';
import type { AnswerTranslator } from './dialect.ts';

export interface Said {
  readonly reasoning: string;
  readonly content: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly args: string }[];
  readonly finish: string;
}

const USAGE = {
  prompt_tokens: 12,
  completion_tokens: 9,
  total_tokens: 21,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 3 },
};

export function completionOf({ reasoning, content, calls, finish }: Said): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: content === '' ? null : content,
          ...(reasoning !== '' && { reasoning_content: reasoning }),
          ...(calls.length > 0 && {
            tool_calls: calls.map(({ id, name, args }) => ({
              id,
              type: 'function',
              function: { name, arguments: args },
            })),
          }),
        },
        finish_reason: finish,
      },
    ],
    usage: USAGE,
  };
}

/** @param size characters a chunk carries. */
export function chunksOf({ reasoning, content, calls, finish }: Said, size: number): string[] {
  const chunk = (delta: object, finish_reason: string | null = null) =>
    JSON.stringify({
      id: 'c',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta, finish_reason }],
    });
  const cut = (text: string) => [...text.matchAll(new RegExp(`[^]{1,${size}}`, 'g'))].map(([piece]) => piece);
  return [
    chunk({ role: 'assistant', content: '' }),
    ...cut(reasoning).map((piece) => chunk({ reasoning_content: piece })),
    ...cut(content).map((piece) => chunk({ content: piece })),
    ...calls.flatMap(({ id, name, args }, index) => [
      chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
      ...cut(args).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
    chunk({}, finish),
    JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'm', choices: [], usage: USAGE }),
    '[DONE]',
  ];
}

export function translated(answers: AnswerTranslator, chunks: readonly string[]): string {
  const stream = answers.stream();
  return chunks.map((data) => stream.push(data)).join('') + stream.end();
}

export interface SentEvent {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape.
  readonly data: any;
}

export const eventsOf = (text: string): SentEvent[] =>
  text
    .split('\n\n')
    .filter((each) => each !== '')
    .map((each) => {
      const [, name, data] = /^event: (.+)\ndata: (.+)$/.exec(each)!;
      return { name: name!, data: JSON.parse(data!) };
    });

const words = fc.string({ unit: fc.constantFrom('a', ' ', 'ü', '"', '\\', '\n', '🙂', '→'), maxLength: 30 });
/**
 * Without a backslash: V8 (13.6.233.17, Node 24.21) reads the key of `{"\n":1}` as a backslash once it has read `{"\\":1}`, so that
 * what was a key before is sometimes another one after.
 */
const keys = fc.string({ unit: fc.constantFrom('a', ' ', 'ü', '"', '\n', '🙂', '→'), maxLength: 30 });

export const saidArbitrary: fc.Arbitrary<Said> = fc
  .record({
    reasoning: words,
    content: words,
    calls: fc.array(fc.record({ name: fc.constantFrom('look', 'write'), args: fc.dictionary(keys, words) }), {
      maxLength: 3,
    }),
    length: fc.boolean(),
  })
  .map(({ reasoning, content, calls, length }) => ({
    reasoning,
    content,
    calls: calls.map(({ name, args }, index) => ({ id: `call_${index}`, name, args: JSON.stringify(args) })),
    finish: length ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop',
  }));

/** A `fetch` that answers every request of an SDK so. */
export const answering = (body: string, type = 'text/event-stream', status = 200) =>
  (async () => new Response(body, { status, headers: { 'content-type': type } })) as unknown as typeof fetch;

/**
 * Streams of servers that tell parallel calls apart by neither id nor index: `look` with a, with b and with a again, each whole in
 * one chunk, then a chunk that repeats the name and adds nothing.
 */
export const callsWithoutIds: readonly (readonly string[])[] = [{ index: 0, id: '' }, { index: 0 }, {}].map(
  (place) =>
    [...['a', 'b', 'a'].map((x) => JSON.stringify({ x })), ''].map((args) =>
      JSON.stringify({
        choices: [
          {
            index: 0,
            delta: { tool_calls: [{ ...place, function: { name: 'look', arguments: args } }] },
            finish_reason: null,
          },
        ],
      }),
    ),
);
