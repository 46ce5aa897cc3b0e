/** LiteLLM's proxy: its `model_list` as targets. */
import { CommandError } from '../lib/errors.ts';
import { isObject } from '../lib/is-object.ts';
import {
  type Imported,
  nameFrom,
  priceOfTokens,
  strongestFirst,
  type TokenPrice,
  variableFor,
  withRoles,
  yamlOf,
} from './imported.ts';

interface Model {
  readonly model_name?: unknown;
  readonly litellm_params?: unknown;
  readonly model_info?: unknown;
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
  deepinfra: ['https://api.deepinfra.com/v1/openai', 'DEEPINFRA_API_KEY'],
  cerebras: ['https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY'],
  sambanova: ['https://api.sambanova.ai/v1', 'SAMBANOVA_API_KEY'],
};
/** Servers of one's own: they are where the file says. */
const OWN =
  'hosted_vllm vllm ollama ollama_chat lm_studio openai_like custom_openai litellm_proxy llamafile xinference databricks azure_ai'.split(
    ' ',
  );
/** APIs that are not OpenAI's; an api_base of theirs changes nothing about that. */
const OTHER_APIS =
  'bedrock bedrock_converse vertex_ai vertex_ai_beta sagemaker sagemaker_chat cohere cohere_chat replicate huggingface watsonx predibase oci snowflake'.split(
    ' ',
  );
/** Parameters that are taken over, or of which something else is said. */
const KNOWN = new Set(
  'model api_base api_key input_cost_per_token output_cost_per_token cache_read_input_token_cost rpm tpm'.split(
    ' ',
  ),
);

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const number = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

/** `os.environ/NAME`; null: it names no variable. */
const variableIn = (given: string | null): string | null =>
  /^os\.environ\/\s*([A-Za-z_]\w*)\s*$/.exec(given ?? '')?.[1] ?? null;

/**
 * Where a model of Azure's is asked as OpenAI's are: under /openai/v1, by the name of its deployment. Its older way, with a version
 * in the address, is none of ours.
 */
function azureBase(given: string | null): { api_base: string; note: string } {
  const note = 'asked by Azure’s v1 API, under /openai/v1, which wants no api_version';
  if (given !== null && URL.canParse(given)) return { api_base: `${new URL(given).origin}/openai/v1`, note };
  const variable = variableIn(given) ?? 'AZURE_API_BASE';
  return {
    api_base: `\${${variable}}`,
    note: `${note}: set ${variable} to https://RESOURCE.openai.azure.com/openai/v1`,
  };
}

function priceOf(...from: readonly Readonly<Record<string, unknown>>[]): TokenPrice | null {
  for (const each of from) {
    const price = priceOfTokens(
      each.input_cost_per_token,
      each.output_cost_per_token,
      each.cache_read_input_token_cost,
    );
    if (price) return price;
  }
  return null;
}

/** @throws CommandError when it is no such file */
export function fromLitellm(source: string, file: string): Imported {
  const document = yamlOf(source, file);
  if (!isObject(document) || !Array.isArray(document.model_list))
    throw new CommandError(`${file}: no \`model_list\`; want the configuration of LiteLLM's proxy`);
  const notes: string[] = [];
  /** Variables by the keys of the file that they stand for. */
  const secrets = new Map<string, string>();
  const taken = new Set<string>();
  const lines = source.split('\n');
  const starts = lines.flatMap((line, i) => (/^[\s-]*(?:\{\s*)?model_name\s*:/.test(line) ? [i + 1] : []));
  // Only where each entry begins with its name is it known which line is whose.
  const isTold = starts.length === document.model_list.length;
  const targets = (document.model_list as unknown[]).flatMap((entry, at) => {
    const { model_name, litellm_params, model_info }: Model = isObject(entry) ? entry : {};
    const given = isObject(litellm_params) ? litellm_params : {};
    const info = isObject(model_info) ? model_info : {};
    const where = isTold ? `line ${starts[at]}` : `model_list[${at}]`;
    const whole = text(given.model);
    if (whole === null) {
      notes.push(`${where}: no litellm_params.model; left out`);
      return [];
    }
    const [first, ...rest] = whole.split('/');
    const isAzure = rest.length > 0 && first === 'azure';
    const provider =
      rest.length > 0 && (isAzure || Object.hasOwn(PROVIDERS, first!) || OWN.includes(first!))
        ? first!
        : null;
    const base = text(given.api_base);
    const azure = isAzure ? azureBase(base) : null;
    const variableOfBase = variableIn(base);
    const api_base =
      azure?.api_base ??
      (variableOfBase ? `\${${variableOfBase}}` : base) ??
      (provider ? PROVIDERS[provider]?.[0] : rest.length === 0 ? PROVIDERS.openai![0] : null);
    if (!api_base || (rest.length > 0 && OTHER_APIS.includes(first!))) {
      notes.push(
        `${where}: '${first}' is no OpenAI-compatible server that is known here${base ? '' : ', and there is no api_base'}; left out`,
      );
      return [];
    }
    if (whole.includes('*') || String(model_name).includes('*')) {
      notes.push(`${where}: ${model_name}: a pattern of names; list the models; left out`);
      return [];
    }
    const name = nameFrom(String(model_name ?? whole), taken);
    taken.add(name);
    const given_key = text(given.api_key);
    const variable = variableIn(given_key);
    const secret = variable === null ? given_key : null;
    if (secret !== null && !secrets.has(secret)) secrets.set(secret, variableFor(name));
    const usual = isAzure ? 'AZURE_API_KEY' : base ? null : (PROVIDERS[provider ?? 'openai']?.[1] ?? null);
    const key = variable ?? (secret === null ? usual : secrets.get(secret)!);
    if (secret !== null) notes.push(`${where}: a key stands in the file; it is not copied, set ${key} to it`);
    if (azure) notes.push(`${where}: ${azure.note}`);
    for (const limit of ['rpm', 'tpm'] as const)
      if (given[limit] !== undefined)
        notes.push(`${where}: ${limit} is a limit of the upstream; limits here are the callers'`);
    const others = Object.keys(given).filter(
      (param) => !KNOWN.has(param) && !(isAzure && param === 'api_version'),
    );
    if (others.length > 0) notes.push(`${where}: not taken over: litellm_params.${others.join(', ')}`);
    const context = number(info.max_input_tokens);
    const vision = typeof info.supports_vision === 'boolean' ? info.supports_vision : null;
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
        price: priceOf(given, info),
        sees: vision === true,
        more: Object.keys(capabilities).length > 0 ? { capabilities } : {},
      },
    ];
  });
  for (const section of Object.keys(document).filter((key) => key !== 'model_list')) {
    if (document[section] === null) continue;
    const at = lines.findIndex((line) => line.startsWith(`${section}:`)) + 1;
    notes.push(
      `${at > 0 ? `line ${at}: ` : ''}${section}: not taken over; fallbacks stand with each label here, keys under auth, limits under limits`,
    );
  }
  if (targets.length === 0)
    throw new CommandError(`${file}: nothing could be taken over\n${notes.join('\n')}`);
  if (!targets.every(({ price }) => price !== null))
    notes.push(
      'not every model has a price: the first does the easy work, the last the hard; look at `llms`',
    );
  return { targets: strongestFirst(withRoles(targets)), notes };
}
