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

export interface Answer {
  readonly text: string;
  readonly usage: Usage | null;
  readonly finish: string | null;
  /** What an error event in the stream said; null: none. */
  readonly error: string | null;
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
  const take = (line: string) => {
    const data = line.startsWith('data:') ? line.slice(5).trim() : '';
    if (data === '' || data === '[DONE]') return;
    const event = JSON.parse(data) as Event;
    if (event.error) error ??= String(event.error.message ?? 'the stream ended with an error');
    usage = event.usage ?? usage;
    const choice = event.choices?.[0];
    if (typeof choice?.finish_reason === 'string') finish = choice.finish_reason;
    const piece = choice?.delta?.content;
    if (typeof piece !== 'string' || piece === '') return;
    text += piece;
    onText(piece);
  };
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop()!;
    for (const line of lines) take(line);
  }
  take(rest);
  return { text, usage, finish, error };
}
