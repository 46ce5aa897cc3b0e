/** Money: what calls cost by the prices that `GET /v1/models` tells. Free of the DOM, so that Node tests it. */
import { type TokenPrice, type UsedTokens, usdOf } from '../../router-controller/src/settle/price.ts';

export type Price = TokenPrice;

export interface ModelFacts {
  readonly id: string;
  readonly pricing?: {
    readonly prompt: string;
    readonly completion: string;
    readonly input_cache_read?: string;
  };
  readonly context_window?: number;
  readonly input_modalities?: readonly string[];
}

export type Prices = ReadonlyMap<string, Price>;

/** By the model's id. A model without a price is not in it. */
export function pricesOf(models: readonly ModelFacts[]): Prices {
  return new Map(
    models.flatMap(({ id, pricing }): [string, Price][] => {
      if (!pricing) return [];
      const input = Number(pricing.prompt) * 1e6;
      const cached = pricing.input_cache_read === undefined ? input : Number(pricing.input_cache_read) * 1e6;
      const price = { input, output: Number(pricing.completion) * 1e6, cached_input: cached };
      return Object.values(price).every(Number.isFinite) ? [[id, price]] : [];
    }),
  );
}

export type Tokens = UsedTokens;
export const costOf = usdOf;

/** English text has about four characters a token; other scripts have fewer. */
const CHARS_A_TOKEN = 4;
export const tokensIn = (chars: number): number => Math.max(1, Math.ceil(chars / CHARS_A_TOKEN));

/** The dearest of a policy's models for these tokens, and what it would have cost; null where none has a price. */
export function dearest(
  models: readonly string[],
  prices: Prices,
  tokens: Tokens,
): { model: string; usd: number } | null {
  const costs = models.flatMap((model) => {
    const price = prices.get(model);
    return price ? [{ model, usd: costOf(price, tokens) }] : [];
  });
  return costs.sort((a, b) => b.usd - a.usd)[0] ?? null;
}
