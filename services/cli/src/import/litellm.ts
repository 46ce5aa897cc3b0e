/** LiteLLM's proxy: its `model_list` as targets. */
import { load } from 'js-yaml';
import { CommandError } from '../lib/errors.ts';
import {
  type Imported,
  nameFrom,
  priceOfTokens,
  strongestFirst,
  type TokenPrice,
  withRoles,
} from './imported.ts';

interface Model {
  readonly model_name?: unknown;
  readonly litellm_params?: Readonly<Record<string, unknown>>;
  readonly model_info?: Readonly<Record<string, unknown>>;
}

/** Where LiteLLM's providers are, as OpenAI-compatible servers, and the variable that it takes the key from. */
const PROVIDERS: Readonly<Record<string, readonly [base: string, key: string]>> = {
  openai: ['https://api.openai.com/v1', 'OPENAI_API_KEY'],
  anthropic: ['https://api.anthropic.com/v1', 'ANTHROPIC_API_KEY'],
  nvidia_nim: ['https://integrate.api.nvidia.com', 'NVIDIA_NIM_API_KEY'],
  openrouter: ['https://openrouter.ai/api/v1', 'OPENROUTER_API_KEY'],
  groq: ['https://api.groq.com/openai/v1', 'GROQ_API_KEY'],
  mistral: ['https://api.mistral.ai/v1', 'MISTRAL_API_KEY'],
  deepseek: ['https://api.deepseek.com/v1', 'DEEPSEEK_API_KEY'],
  together_ai: ['https://api.together.xyz/v1', 'TOGETHERAI_API_KEY'],
  fireworks_ai: ['https://api.fireworks.ai/inference/v1', 'FIREWORKS_AI_API_KEY'],
  gemini: ['https://generativelanguage.googleapis.com/v1beta/openai', 'GEMINI_API_KEY'],
  xai: ['https://api.x.ai/v1', 'XAI_API_KEY'],
};
/** Servers of one's own: they are where the file says. */
const OWN = ['hosted_vllm', 'vllm', 'ollama', 'ollama_chat', 'lm_studio', 'openai_like', 'custom_openai'];
/** Parameters that are taken over, or of which something else is said. */
const KNOWN = new Set(
  'model api_base api_key input_cost_per_token output_cost_per_token cache_read_input_token_cost rpm tpm'.split(
    ' ',
  ),
);

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const number = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

/** `os.environ/NAME`; a key that stands in the file is not taken over. */
function variableOf(value: unknown): { variable: string | null; isSecret: boolean } {
  const given = text(value);
  const [, variable] = /^os\.environ\/(\w+)$/.exec(given ?? '') ?? [];
  return { variable: variable ?? null, isSecret: given !== null && variable === undefined };
}

function priceOf(...from: readonly (Readonly<Record<string, unknown>> | undefined)[]): TokenPrice | null {
  for (const each of from) {
    const price = priceOfTokens(
      each?.input_cost_per_token,
      each?.output_cost_per_token,
      each?.cache_read_input_token_cost,
    );
    if (price) return price;
  }
  return null;
}

/** @throws CommandError when it is no such file */
export function fromLitellm(source: string, file: string): Imported {
  let document: { model_list?: unknown; router_settings?: object; litellm_settings?: object } | null;
  try {
    document = load(source) as typeof document;
  } catch (error) {
    throw new CommandError(`${file}: not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  if (!Array.isArray(document?.model_list))
    throw new CommandError(`${file}: no \`model_list\`; want the configuration of LiteLLM's proxy`);
  const notes: string[] = [];
  const taken = new Set<string>();
  const lines = source.split('\n');
  const starts = lines.flatMap((line, i) => (/^[\s-]*(?:\{\s*)?model_name\s*:/.test(line) ? [i + 1] : []));
  // Only where each entry begins with its name is it known which line is whose.
  const isTold = starts.length === document.model_list.length;
  const targets = (document.model_list as Model[]).flatMap(
    ({ model_name, litellm_params: given = {}, model_info }, at) => {
      const where = isTold ? `line ${starts[at]}` : `model_list[${at}]`;
      const whole = text(given.model);
      if (whole === null) {
        notes.push(`${where}: no litellm_params.model; left out`);
        return [];
      }
      const [first, ...rest] = whole.split('/');
      const provider = rest.length > 0 && (first! in PROVIDERS || OWN.includes(first!)) ? first! : null;
      const api_base =
        text(given.api_base) ??
        (provider ? PROVIDERS[provider]?.[0] : rest.length === 0 ? PROVIDERS.openai![0] : null);
      if (!api_base) {
        notes.push(
          `${where}: '${first}' is no OpenAI-compatible server that is known here, and there is no api_base; left out`,
        );
        return [];
      }
      if (whole.includes('*') || String(model_name).includes('*')) {
        notes.push(`${where}: ${model_name}: a pattern of names; list the models; left out`);
        return [];
      }
      const { variable, isSecret } = variableOf(given.api_key);
      const usual = PROVIDERS[provider ?? 'openai']?.[1] ?? null;
      const key =
        variable ??
        (isSecret
          ? `${nameFrom(String(model_name ?? whole), new Set())
              .toUpperCase()
              .replaceAll(/\W/g, '_')}_KEY`
          : text(given.api_base)
            ? null
            : usual);
      if (isSecret) notes.push(`${where}: a key stands in the file; it is not copied, set ${key} to it`);
      for (const limit of ['rpm', 'tpm'] as const)
        if (given[limit] !== undefined)
          notes.push(`${where}: ${limit} is a limit of the upstream; limits here are the callers'`);
      const others = Object.keys(given).filter((param) => !KNOWN.has(param));
      if (others.length > 0) notes.push(`${where}: not taken over: litellm_params.${others.join(', ')}`);
      const name = nameFrom(String(model_name ?? whole), taken);
      taken.add(name);
      const context = number(model_info?.max_input_tokens);
      const vision = typeof model_info?.supports_vision === 'boolean' ? model_info.supports_vision : null;
      const capabilities = {
        ...(context && { context_tokens: context }),
        ...(vision !== null && { vision }),
      };
      return [
        {
          name,
          api_base,
          key,
          model: provider ? rest.join('/') : whole,
          price: priceOf(given, model_info),
          sees: vision === true,
          more: Object.keys(capabilities).length > 0 ? { capabilities } : {},
        },
      ];
    },
  );
  for (const section of Object.keys(document).filter((key) => key !== 'model_list'))
    if (document[section as keyof typeof document] !== null)
      notes.push(
        `line ${lines.findIndex((line) => line.startsWith(`${section}:`)) + 1}: ${section}: not taken over; fallbacks stand with each label here, keys under auth, limits under limits`,
      );
  if (targets.length === 0)
    throw new CommandError(`${file}: nothing could be taken over\n${notes.join('\n')}`);
  if (!targets.every(({ price }) => price !== null))
    notes.push(
      'not every model has a price: the first does the easy work, the last the hard; look at `llms`',
    );
  return { targets: strongestFirst(withRoles(targets)), notes };
}
