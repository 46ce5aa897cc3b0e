/** Reads answers, whole or streamed, for what the report tells of them. */

interface Told {
  readonly error?: { readonly code?: unknown; readonly type?: unknown } | null;
  readonly usage?: { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown } | null;
  readonly choices?: readonly {
    readonly delta?: Readonly<Record<string, unknown>>;
    readonly finish_reason?: unknown;
  }[];
}

export interface Tokens {
  readonly prompt: number;
  readonly completion: number;
}

const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);

export const tokensOf = ({ usage }: Told): Tokens | null =>
  usage ? { prompt: count(usage.prompt_tokens), completion: count(usage.completion_tokens) } : null;

/** Short and of a closed form, because errors are counted by it. */
export function errorCode(value: unknown): string {
  const error = (value as Told | null)?.error;
  const code = error?.code ?? error?.type;
  return typeof code === 'string' && /^[\w.-]{1,40}$/.test(code) ? code : 'error';
}

/** @returns undefined for what is not JSON */
export function parseJson(text: string): Told | undefined {
  try {
    return JSON.parse(text) as Told;
  } catch {
    return undefined;
  }
}

export const isCompletion = (value: Told | null | undefined): value is Told => Array.isArray(value?.choices);

const hasContent = ({ choices }: Told): boolean =>
  (choices ?? []).some(({ delta }) =>
    ['content', 'reasoning_content', 'reasoning', 'tool_calls'].some((name) => {
      const value = delta?.[name];
      return typeof value === 'string' ? value !== '' : Array.isArray(value) && value.length > 0;
    }),
  );

/** Follows a stream of server-sent events as its chunks come. */
export class StreamReader {
  readonly #decoder = new TextDecoder();
  readonly #onContent: () => void;
  #rest = '';
  tokens: Tokens | null = null;
  /** `[DONE]` was seen: the answer is whole. */
  isDone = false;
  /** What went wrong inside the stream; null: nothing. */
  error: string | null = null;

  /** @param onContent called at the first event that carries content */
  constructor(onContent: () => void) {
    let told = false;
    this.#onContent = () => {
      if (!told) onContent();
      told = true;
    };
  }

  take(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) if (line.startsWith('data:')) this.#event(line.slice(5).trim());
  }

  #event(data: string): void {
    if (data === '[DONE]') {
      this.isDone = true;
      return;
    }
    const told = parseJson(data);
    if (told?.error) this.error ??= `in the stream: ${errorCode(told)}`;
    else if (!told) this.error ??= 'in the stream: not JSON';
    else {
      if (hasContent(told)) this.#onContent();
      this.tokens = tokensOf(told) ?? this.tokens;
    }
  }
}
