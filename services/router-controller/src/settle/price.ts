/** Pure, and without imports, so that the playground's page runs it too: tokens as money. */

/** USD per million tokens. */
export interface TokenPrice {
  readonly input: number;
  readonly output: number;
  /** Default: as input. */
  readonly cached_input?: number;
}

export interface UsedTokens {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** USD of one call. */
export function usdOf(
  price: TokenPrice,
  { promptTokens, cachedTokens, completionTokens }: UsedTokens,
): number {
  const fresh = Math.max(0, promptTokens - cachedTokens);
  const cached = cachedTokens * (price.cached_input ?? price.input);
  return (fresh * price.input + cached + completionTokens * price.output) / 1e6;
}
