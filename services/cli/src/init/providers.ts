/** What people have, as targets of a table: where it is, which key it wants, which of its models does which work. */
export type Role = 'small' | 'large' | 'thinks' | 'sees';

export interface NewTarget {
  readonly name: string;
  readonly api_base: string;
  /** Variable that holds the key; null: none is wanted. */
  readonly key: string | null;
  readonly model: string;
  readonly roles: readonly Role[];
  /** What else the target needs to be told. */
  readonly more?: Readonly<Record<string, unknown>>;
}

interface Hosted {
  readonly label: string;
  readonly targets: readonly NewTarget[];
}

const at =
  (api_base: string, key: string) =>
  (name: string, model: string, roles: readonly Role[], more?: NewTarget['more']): NewTarget => ({
    name,
    api_base,
    key,
    model,
    roles,
    ...(more && { more }),
  });

const blind = { capabilities: { vision: false, audio: false } };
const sees = { capabilities: { vision: true, audio: false } };
const nim = at('https://integrate.api.nvidia.com', 'NVIDIA_API_KEY');
const openai = at('https://api.openai.com/v1', 'OPENAI_API_KEY');
// Its chat completions take the key as a bearer token; its own Messages API would want x-api-key.
const anthropic = at('https://api.anthropic.com/v1', 'ANTHROPIC_API_KEY');
const openrouter = at('https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY');
const modern = { apis: ['chat', 'responses'], max_tokens_as: 'max_completion_tokens', ...sees };

/** Services with a key; the models are a beginning, to be changed in the file. */
export const HOSTED: Readonly<Record<string, Hosted>> = {
  nim: {
    label: 'NVIDIA NIM, hosted at build.nvidia.com (NVIDIA_API_KEY)',
    targets: [
      nim('llama-8b', 'meta/llama-3.1-8b-instruct', ['small'], blind),
      nim('llama-70b', 'meta/llama-3.1-70b-instruct', ['large'], blind),
      nim('deepseek-r1', 'deepseek-ai/deepseek-r1', ['thinks'], {
        ...blind,
        timeouts: { fall_back_after_ms: { plain: 300_000 } },
      }),
      nim('llama-vision', 'meta/llama-3.2-90b-vision-instruct', ['sees'], sees),
    ],
  },
  openai: {
    label: 'OpenAI (OPENAI_API_KEY)',
    targets: [
      openai('gpt-5-mini', 'gpt-5-mini', ['small', 'sees'], modern),
      openai('gpt-5', 'gpt-5', ['large', 'sees'], modern),
    ],
  },
  anthropic: {
    label: 'Anthropic (ANTHROPIC_API_KEY)',
    targets: [
      anthropic('claude-haiku', 'claude-haiku-4-5', ['small', 'sees'], sees),
      anthropic('claude-sonnet', 'claude-sonnet-4-5', ['large', 'sees'], sees),
    ],
  },
  openrouter: {
    label: 'OpenRouter (OPENROUTER_API_KEY)',
    targets: [
      openrouter('llama-8b-openrouter', 'meta-llama/llama-3.1-8b-instruct', ['small'], blind),
      openrouter('llama-70b-openrouter', 'meta-llama/llama-3.3-70b-instruct', ['large'], blind),
    ],
  },
};

/** Servers of one's own, from the smallest to the strongest. */
export const OWN = 'own';
export const NONE = 'none';

/** `URL` or `URL,MODEL` or `URL,MODEL,ENV`. */
export interface OwnServer {
  readonly url: string;
  readonly model: string | null;
  readonly key: string | null;
}

const nameOf = (model: string) =>
  model
    .split('/')
    .at(-1)!
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-');

/** One server does all; of several the first does the easy work, and the last the hard. */
export function ownTargets(servers: readonly (OwnServer & { readonly model: string })[]): NewTarget[] {
  const names = new Set<string>();
  return servers.map(({ url, model, key }, place) => {
    let name = nameOf(model);
    for (let n = 2; names.has(name); n++) name = `${nameOf(model)}-${n}`;
    names.add(name);
    const roles: Role[] = servers.length === 1 ? ['small', 'large'] : place === 0 ? ['small'] : ['large'];
    return { name, api_base: url, key, model, roles };
  });
}
