/** What a run cost, as the router counts it by its price table: the difference of its own counters. */
import { Pool } from 'undici';
import type { Options } from './options.ts';
import { ownLookup } from './target.ts';

export interface Money {
  /** USD; of every request that the router had meanwhile. */
  readonly cost: number;
  /** USD saved against the dearest target of the policy. */
  readonly saved: number;
}

const sumOf = (text: string, name: string): number =>
  text
    .split('\n')
    .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

/**
 * @param waitMs for the answer.
 * @returns null: the router shows no metrics, or not to us, or not in time.
 */
export async function readMoney({ url, ownsTarget, key }: Options, waitMs: number): Promise<Money | null> {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connect: { timeout: waitMs, ...(!ownsTarget && { lookup: ownLookup }) } });
  try {
    const answer = await pool.request({
      path: `${pathname.replace(/\/+$/, '')}/metrics`,
      method: 'GET',
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(waitMs),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200 || !text.includes('llm_router_')) return null;
    return {
      cost: sumOf(text, 'llm_router_cost_usd_total'),
      saved: sumOf(text, 'llm_router_savings_usd_total'),
    };
  } catch {
    return null;
  } finally {
    await pool.destroy();
  }
}
