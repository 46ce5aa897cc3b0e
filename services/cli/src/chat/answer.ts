/** Reads a streamed chat completion as its chunks come. */
export interface Usage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
}

interface Event {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: unknown; readonly tool_calls?: unknown };
    readonly finish_reason?: unknown;
  }[];
  readonly usage?: Usage | null;
  readonly error?: { readonly message?: unknown };
}

interface Whole {
  readonly choices?: readonly {
    readonly message?: { readonly content?: unknown };
    readonly finish_reason?: unknown;
  }[];
  readonly usage?: Usage | null;
}

export interface Answer {
  readonly text: string;
  readonly usage: Usage | null;
  readonly finish: string | null;
  /** What an error event in the stream said; null: none. */
  readonly error: string | null;
}

function eventOf(data: string): Event {
  try {
    return (JSON.parse(data) as Event | null) ?? {};
  } catch {
    return { error: { message: 'the stream holds something that is not JSON' } };
  }
}

/** An answer that came whole, where a stream was asked for; null: this is none. */
export function readWhole(body: unknown): Answer | null {
  const { choices, usage } = (body ?? {}) as Partial<Whole>;
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (!choice) return null;
  const text = choice.message?.content;
  return {
    text: typeof text === 'string' ? text : '',
    usage: usage ?? null,
    finish: typeof choice.finish_reason === 'string' ? choice.finish_reason : null,
    error: null,
  };
}

/** @param onText called with each piece of the answer. */
export async function readStream(
  chunks: AsyncIterable<Uint8Array>,
  onText: (piece: string) => void,
): Promise<Answer> {
  const decoder = new TextDecoder();
  let rest = '';
  let text = '';
  let usage: Usage | null = null;
  let finish: string | null = null;
  let error: string | null = null;
  let isDone = false;
  const take = (line: string) => {
    const data = line.startsWith('data:') ? line.slice(5).trim() : '';
    if (data === '[DONE]') isDone = true;
    if (data === '' || data === '[DONE]') return;
    const event = eventOf(data);
    if (event.error) error ??= String(event.error.message ?? 'the stream ended with an error');
    usage = event.usage ?? usage;
    const choice = event.choices?.[0];
    if (typeof choice?.finish_reason === 'string') finish = choice.finish_reason;
    const piece = choice?.delta?.content;
    if (typeof piece !== 'string' || piece === '') return;
    text += piece;
    onText(piece);
  };
  try {
    for await (const chunk of chunks) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
      rest = lines.pop()!;
      for (const line of lines) take(line);
    }
    take(rest);
  } catch (broken) {
    // What came is the user's all the same.
    error ??= `the answer broke off (${(broken as Error).message})`;
  }
  if (!isDone && finish === null) error ??= 'the answer ended early: the stream has no end mark';
  return { text, usage, finish, error };
}
