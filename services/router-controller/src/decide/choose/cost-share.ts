/**
 * `cost_share`: which willingness spends a given share of what always asking the best target costs. It hangs on prices and on
 * the prompts that come, so it is fitted on the latest of them. The fit is pure; what it is fitted on is kept by policy.
 */
import type { Policy } from '../../config/types.ts';
import type { Offer } from '../../request.ts';

/** Prompts that are looked back on. */
const WINDOW = 128;
/** New prompts after which it is fitted anew. */
const EVERY = 32;
/** Settings kept by policy: clients may bring their own. */
const MOST_SHARES = 64;
const STEPS = 40;

type Prices = readonly { readonly quality: number; readonly usd: number }[];

/** What is spent on the prompts at this willingness. */
function spent(prompts: readonly Prices[], willingness: number): number {
  let sum = 0;
  for (const offers of prompts) {
    let worth = Number.NEGATIVE_INFINITY;
    let cost = 0;
    for (const { quality, usd } of offers) {
      const here = willingness * quality - usd;
      if (here > worth || (here === worth && usd < cost)) {
        worth = here;
        cost = usd;
      }
    }
    sum += cost;
  }
  return sum;
}

/** What asking one target for all of them costs: the one with the most P over them. */
function best(prompts: readonly Prices[]): number {
  const sums = new Map<number, { quality: number; usd: number }>();
  for (const offers of prompts)
    for (const [index, { quality, usd }] of offers.entries()) {
      const sum = sums.get(index) ?? { quality: 0, usd: 0 };
      sums.set(index, { quality: sum.quality + quality, usd: sum.usd + usd });
    }
  const [first] = [...sums.values()].sort((a, b) => b.quality - a.quality || a.usd - b.usd);
  return first?.usd ?? 0;
}

/**
 * The largest willingness, USD, that spends no more than the share; 0 where even the cheapest targets cost more.
 *
 * @param prompts the same targets in the same order for each
 */
export function willingnessFor(share: number, prompts: readonly Prices[]): number {
  const budget = share * best(prompts);
  const dearest = Math.max(0, ...prompts.flatMap((offers) => offers.map(({ usd }) => usd)));
  // P differs by a millionth where it differs at all; from there on only P counts.
  let above = dearest * 1e6;
  if (spent(prompts, above) <= budget) return above;
  let below = 0;
  for (let step = 0; step < STEPS; step++) {
    // Willingness spans orders of magnitude.
    const middle = below === 0 ? above / 1_000 : Math.sqrt(below * above);
    if (spent(prompts, middle) <= budget) below = middle;
    else above = middle;
    if (above < dearest * 1e-9) return 0;
  }
  return below;
}

interface Window {
  prompts: Prices[];
  fresh: number;
  readonly fitted: Map<number, number>;
}

export class CostShares {
  /** A new table begins anew: its prices may be others. */
  readonly #windows = new WeakMap<Policy, Window>();

  /** Remembers what a request was offered. */
  note(policy: Policy, offers: readonly Offer[]): void {
    const window = this.#windowOf(policy);
    window.prompts.push(pricesOf(offers));
    if (window.prompts.length > WINDOW) window.prompts = window.prompts.slice(-WINDOW);
    if (window.prompts.length >= EVERY && ++window.fresh % EVERY !== 0) return;
    window.fitted.clear();
  }

  /** @param offers of the present request, on which it is fitted while there was none before */
  willingness(policy: Policy, share: number, offers: readonly Offer[]): number {
    const window = this.#windowOf(policy);
    if (window.prompts.length === 0) return willingnessFor(share, [pricesOf(offers)]);
    const known = window.fitted.get(share);
    if (known !== undefined) return known;
    const fitted = willingnessFor(share, window.prompts);
    if (window.fitted.size >= MOST_SHARES) window.fitted.clear();
    window.fitted.set(share, fitted);
    return fitted;
  }

  #windowOf(policy: Policy): Window {
    const known = this.#windows.get(policy);
    if (known) return known;
    const made: Window = { prompts: [], fresh: 0, fitted: new Map() };
    this.#windows.set(policy, made);
    return made;
  }
}

const pricesOf = (offers: readonly Offer[]): Prices =>
  offers.map(({ quality, estimate }) => ({ quality, usd: estimate.usd }));
