/** Others' lists of models as targets of ours: LiteLLM's `config.yaml`, OpenRouter's list of models. */
import { JSON_SCHEMA, load } from 'js-yaml';

/** A target as the configuration takes it. Prices: USD a million tokens. */
export interface FoundTarget {
  readonly name: string;
  readonly api_base: string;
  readonly api_key?: string;
  readonly model: string;
  readonly apis?: readonly ['messages'];
  readonly key_header?: 'x-api-key';
  readonly price?: { readonly input: number; readonly output: number; readonly cached_input?: number };
}

export interface Found {
  readonly targets: readonly FoundTarget[];
  /** What could not be carried over, each with where it stands. */
  readonly left: readonly string[];
}

/** LiteLLM's providers that answer as OpenAI does (or Anthropic), and where. */
const BASES: Readonly<Record<string, { base: string; key: string; isAnthropic?: true }>> = {
  openai: { base: 'https://api.openai.com/v1', key: 'OPENAI_API_KEY' },
  anthropic: { base: 'https://api.anthropic.com', key: 'ANTHROPIC_API_KEY', isAnthropic: true },
  deepseek: { base: 'https://api.deepseek.com', key: 'DEEPSEEK_API_KEY' },
  groq: { base: 'https://api.groq.com/openai/v1', key: 'GROQ_API_KEY' },
  mistral: { base: 'https://api.mistral.ai/v1', key: 'MISTRAL_API_KEY' },
  nvidia_nim: { base: 'https://integrate.api.nvidia.com/v1', key: 'NVIDIA_NIM_API_KEY' },
  openrouter: { base: 'https://openrouter.ai/api/v1', key: 'OPENROUTER_API_KEY' },
  together_ai: { base: 'https://api.together.xyz/v1', key: 'TOGETHERAI_API_KEY' },
  xai: { base: 'https://api.x.ai/v1', key: 'XAI_API_KEY' },
};
/** Served by oneself, at an address of one's own. */
const OWN = new Set(['hosted_vllm', 'vllm', 'openai_like', 'text-completion-openai']);
const CARRIED = new Set([
  'model',
  'api_base',
  'api_key',
  'input_cost_per_token',
  'output_cost_per_token',
  'cache_read_input_token_cost',
]);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** USD a token, also as text, to USD a million tokens; null where it is no price. */
function aMillion(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0
    ? Number((number * 1e6).toPrecision(8))
    : null;
}

function priceOf(input: unknown, output: unknown, cached: unknown): FoundTarget['price'] {
  const [i, o, c] = [aMillion(input), aMillion(output), aMillion(cached)];
  if (i === null || o === null) return undefined;
  return { input: i, output: o, ...(c !== null && cached !== null && { cached_input: c }) };
}

/** `os.environ/NAME` is LiteLLM's word for what is `${NAME}` here. */
const secret = (value: string): string => value.replace(/^os\.environ\/(\w+)$/, '$${$1}');

/** Names must differ here; LiteLLM's entries of one name are deployments of it. */
function unique(name: string, taken: ReadonlySet<string>): string {
  for (let n = 1; ; n++) {
    const made = n === 1 ? name : `${name}-${n}`;
    if (!taken.has(made)) return made;
  }
}

/**
 * @param source text of a LiteLLM `config.yaml`.
 * @throws Error when it is none.
 */
export function fromLiteLlm(source: string): Found {
  const whole = load(source, { schema: JSON_SCHEMA }) as unknown;
  if (!isObject(whole) || !Array.isArray(whole.model_list))
    throw new Error('no model_list; want LiteLLM’s config.yaml');
  const lines = source.split('\n');
  const starts = lines.flatMap((line, i) => (/^\s*(?:-\s*)?model_name\s*:/.test(line) ? [i + 1] : []));
  const targets: FoundTarget[] = [];
  const left: string[] = [];
  const taken = new Set<string>();
  for (const [index, entry] of whole.model_list.entries()) {
    const where = starts[index] === undefined ? `model_list[${index}]` : `line ${starts[index]}`;
    const params = isObject(entry) && isObject(entry.litellm_params) ? entry.litellm_params : {};
    const { model } = params;
    if (!isObject(entry) || typeof entry.model_name !== 'string' || typeof model !== 'string') {
      left.push(`${where}: no model_name or litellm_params.model`);
      continue;
    }
    const [first, ...rest] = model.split('/');
    const [provider, plain] = rest.length > 0 ? [first!, rest.join('/')] : ['openai', model];
    const known = BASES[provider];
    const base = typeof params.api_base === 'string' ? secret(params.api_base) : known?.base;
    if (!known && !OWN.has(provider)) {
      left.push(
        `${where}: ${entry.model_name}: provider '${provider}' speaks an API that is not relayed here`,
      );
      continue;
    }
    if (!base || entry.model_name.includes('*') || plain.includes('*')) {
      left.push(
        `${where}: ${entry.model_name}: ${base ? 'a pattern of names; list the models' : 'no api_base'}`,
      );
      continue;
    }
    const key = typeof params.api_key === 'string' ? secret(params.api_key) : known && `\${${known.key}}`;
    const info = isObject(entry.model_info) ? entry.model_info : {};
    const price = priceOf(
      params.input_cost_per_token ?? info.input_cost_per_token,
      params.output_cost_per_token ?? info.output_cost_per_token,
      params.cache_read_input_token_cost ?? info.cache_read_input_token_cost ?? null,
    );
    const name = unique(entry.model_name, taken);
    taken.add(name);
    targets.push({
      name,
      api_base: base,
      ...(key && { api_key: key }),
      model: plain,
      ...(known?.isAnthropic && { apis: ['messages'] as const, key_header: 'x-api-key' as const }),
      ...(price && { price }),
    });
    for (const param of Object.keys(params).filter((each) => !CARRIED.has(each)))
      left.push(`${where}: ${entry.model_name}: litellm_params.${param}`);
  }
  for (const [key, value] of Object.entries(whole))
    if (key !== 'model_list' && isObject(value)) {
      const line = lines.findIndex((each) => each.startsWith(`${key}:`)) + 1;
      left.push(`line ${line}: ${key}: ${Object.keys(value).join(', ')}`);
    }
  return { targets, left };
}

/**
 * @param source OpenRouter's answer to `GET /api/v1/models`.
 * @throws Error when it is none.
 */
export function fromOpenRouter(source: string): Found {
  const whole = JSON.parse(source) as unknown;
  if (!isObject(whole) || !Array.isArray(whole.data))
    throw new Error('no data; want OpenRouter’s list of models: {"data": [{"id", "pricing"}]}');
  const targets: FoundTarget[] = [];
  const left: string[] = [];
  for (const [index, model] of whole.data.entries()) {
    if (!isObject(model) || typeof model.id !== 'string') {
      left.push(`data[${index}]: no id`);
      continue;
    }
    const pricing = isObject(model.pricing) ? model.pricing : {};
    const price = priceOf(pricing.prompt, pricing.completion, pricing.input_cache_read ?? null);
    if (!price) {
      left.push(`data[${index}]: ${model.id}: its price changes with the request, or is not told`);
      continue;
    }
    const { base, key } = BASES.openrouter!;
    targets.push({ name: model.id, api_base: base, api_key: `\${${key}}`, model: model.id, price });
  }
  return { targets, left };
}
