/** OpenRouter's list of models (`GET /api/v1/models`, or a part of it) as targets with their prices. */
import { CommandError } from '../lib/errors.ts';
import { type Imported, nameFrom, priceOfTokens, strongestFirst, withRoles } from './imported.ts';

interface Model {
  readonly id?: unknown;
  readonly context_length?: unknown;
  readonly pricing?: {
    readonly prompt?: unknown;
    readonly completion?: unknown;
    readonly input_cache_read?: unknown;
  };
  readonly architecture?: { readonly input_modalities?: unknown };
}

const BASE = 'https://openrouter.ai/api/v1';
/** More than a table is for. */
const MOST = 20;

/**
 * @param only ids to take; empty: all.
 * @param most models that are taken at once.
 * @throws CommandError
 */
export function fromOpenrouter(source: string, file: string, only: readonly string[], most = MOST): Imported {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    throw new CommandError(`${file}: not JSON: ${(error as Error).message}`);
  }
  const list = Array.isArray(value) ? value : (value as { data?: unknown } | null)?.data;
  if (!Array.isArray(list) || !list.every((each) => typeof each?.id === 'string'))
    throw new CommandError(`${file}: want OpenRouter's list of models: {"data": [{"id": …, "pricing": …}]}`);
  const models = list as (Model & { id: string })[];
  const missing = only.filter((id) => !models.some((each) => each.id === id));
  if (missing.length > 0) throw new CommandError(`${file} has no model '${missing.join("', '")}'`);
  const wanted = only.length > 0 ? models.filter(({ id }) => only.includes(id)) : models;
  if (wanted.length === 0) throw new CommandError(`${file} holds no models`);
  if (wanted.length > most)
    throw new CommandError(
      `${file} holds ${wanted.length} models; name those that you want: --only ID, again for more`,
    );
  const taken = new Set<string>();
  const targets = wanted.map(({ id, context_length: context, pricing, architecture }) => {
    const name = nameFrom(id.split('/').at(-1)!, taken);
    taken.add(name);
    const inputs = architecture?.input_modalities;
    const sees = Array.isArray(inputs) && inputs.includes('image');
    const capabilities = {
      ...(typeof context === 'number' && { context_tokens: context }),
      ...(Array.isArray(inputs) && { vision: sees, audio: inputs.includes('audio') }),
    };
    return {
      name,
      api_base: BASE,
      key: 'OPENROUTER_API_KEY',
      model: id,
      price: priceOfTokens(pricing?.prompt, pricing?.completion, pricing?.input_cache_read),
      sees,
      more: { capabilities },
    };
  });
  const unpriced = targets.filter(({ price }) => price === null).map(({ name }) => name);
  return {
    targets: strongestFirst(withRoles(targets)),
    notes:
      unpriced.length > 0
        ? [`no price: ${unpriced.join(', ')}; look at who does which work under \`llms\``]
        : [],
  };
}
