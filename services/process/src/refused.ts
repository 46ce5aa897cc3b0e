/** A call to the router that `--url` names, and came to nothing: told in a line, with what would be right. */
import { type Unreached, whyUnreached } from './unreached.ts';

const MOST = 200;

/** The words of a page, without its marks; nothing that a terminal would take for an order. */
const plain = (text: string): string =>
  text
    .slice(0, 20_000)
    .replaceAll(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ')
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MOST);

interface Told {
  readonly error?: { readonly message?: unknown } | string;
}

/** What an API's error says of itself; null: it is none. */
function messageOf(text: string): string | null {
  let told: Told | null = null;
  try {
    told = JSON.parse(text) as Told | null;
  } catch {
    return null;
  }
  const error = told?.error;
  const message = typeof error === 'object' ? error?.message : error;
  return typeof message === 'string' && message !== '' ? message.replaceAll(/[\p{Cc}\s]+/gu, ' ') : null;
}

const ADVICE: Partial<Record<Unreached['kind'], string>> = {
  nobody: '`llm-router start` starts a router, --url names another',
  certificate: 'NODE_EXTRA_CA_CERTS=FILE names its authority',
};

/** @param error as fetch or undici give it */
export function notReached(error: unknown, url: string): string {
  const { kind, found, advice } = whyUnreached(error, url);
  return `${found}; ${advice ?? ADVICE[kind] ?? 'look at --url'}`;
}

/** What an error answer says, and what would be right where its status tells that. */
export function errorText(status: number, text: string): string {
  const message = messageOf(text);
  if (message === null) {
    const said = plain(text) || 'no message';
    return `${status}: ${said} (not a router’s words: look at --url, and at what stands before the router)`;
  }
  return `${status}: ${message}${status === 401 ? ' (the key goes into LLM_ROUTER_API_KEY)' : ''}`;
}

/** A redirect. It is not followed: the key would go with it, and a POST become a GET. */
export function sentOn(url: string, status: number, location: string | null): string {
  const to = location !== null && URL.canParse(location, url) ? new URL(location, url) : null;
  const where = to === null ? 'nowhere' : `${to.origin}${to.pathname}`;
  return `${url} sends on to ${where} (${status}); a router answers by itself: name its own address with --url`;
}

/** Something answered as if all were well, and is no router. */
export function noRouter(url: string, contentType: string | null, text: string): string {
  const kind = contentType?.split(';')[0]?.trim() || 'no content type';
  return `${url} answers, but not as a router does (${kind}: ${plain(text) || 'nothing'}); name the router with --url`;
}
