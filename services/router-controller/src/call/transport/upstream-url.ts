/** Where a request goes under a target's base. */
import type { UpstreamBase } from '../../config/endpoint.ts';

const CHAT = '/v1/chat/completions';

/**
 * @param path a route as OpenAI has it: `/v1/chat/completions`; or v1's bare `/completions`, which stays bare under a bare
 * host, as it was there.
 * @param search the client's query, with its question mark, or empty. What the base says itself holds.
 */
export function upstreamUrl(base: UpstreamBase, path: string, search = ''): string {
  const { apiBase, prefix, prefixImplied, chatPath, query } = base;
  const root = apiBase + pathUnder(path, prefix, prefixImplied, chatPath);
  const own = new URLSearchParams(query);
  const asked = search
    .replace(/^\?/, '')
    .split('&')
    .filter((pair) => pair !== '' && !own.has(nameOf(pair)));
  const all = [query, ...asked].filter((part) => part !== '').join('&');
  return all === '' ? root : `${root}?${all}`;
}

function pathUnder(path: string, prefix: string, prefixImplied: boolean, chatPath: string | null): string {
  if (path === CHAT && chatPath !== null) return chatPath;
  if (path.startsWith('/v1/')) return prefix + path.slice('/v1'.length);
  return prefixImplied ? path : prefix + path;
}

/** A pair's name as it is meant, whatever its spelling. */
const nameOf = (pair: string) => [...new URLSearchParams(pair).keys()][0] ?? '';
