/** Which proxy an upstream is reached by: the target's own word, else the environment's. */
import type { Target } from '../../config/types.ts';
import { type Env, proxyByEnv } from '../../outgoing/proxy.ts';

/** @returns URL of the proxy; null: go straight. */
export function proxyFor(target: Pick<Target, 'proxy' | 'apiBase'>, env?: Env): string | null {
  if (target.proxy === 'none') return null;
  if (target.proxy) return target.proxy.reveal();
  return proxyByEnv(target.apiBase, env);
}
