/** Speaks to a router that runs, and says in a user's words why it could not. */
import { Option } from 'commander';
import { errorText, noRouter, notReached, sentOn } from '../../../process/src/refused.ts';
import { CommandError, UsageError } from './errors.ts';

export const DEFAULT_URL = 'http://127.0.0.1:8084';

export const urlOption = (about: string): Option => new Option('--url <URL>', about);

/** Told in the help of commands that send a key: a flag would show it to other users of the machine. */
export const KEY_NOTE = `
Environment:
  LLM_ROUTER_API_KEY  key of the router, where it asks for one`;

/** Base URL without a slash at the end; clients are told it with /v1 and without. */
export function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--url must be an http or https URL, such as ${DEFAULT_URL}`);
  if (url.username !== '' || url.password !== '')
    throw new UsageError('--url must not hold a user or password; a key goes into LLM_ROUTER_API_KEY');
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
}

/**
 * One call.
 *
 * @throws CommandError when nothing answers there, or it sends on
 */
export async function call(
  url: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const key = process.env.LLM_ROUTER_API_KEY?.trim();
  let response: Response;
  try {
    response = await fetch(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key && { authorization: `Bearer ${key}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'manual',
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new CommandError(notReached(error, url));
  }
  if (response.status < 300 || response.status >= 400) return response;
  await response.body?.cancel();
  throw new CommandError(sentOn(url, response.status, response.headers.get('location')));
}

/** The whole answer. @throws CommandError when it breaks off */
export async function textOf(response: Response, url: string): Promise<string> {
  return response.text().catch((error: unknown) => {
    throw new CommandError(notReached(error, url));
  });
}

/**
 * @param isAnswer tells the answer of a router from what something else may say
 * @throws CommandError when the answer is an error, or no router's
 */
export async function json<T>(
  url: string,
  path: string,
  body: unknown,
  isAnswer: (value: unknown) => boolean,
): Promise<T> {
  const response = await call(url, path, body);
  const text = await textOf(response, url);
  if (!response.ok) throw new CommandError(errorText(response.status, text));
  const value = parsed(text);
  if (!isAnswer(value)) throw new CommandError(noRouter(url, response.headers.get('content-type'), text));
  return value as T;
}

/** Undefined: it is not JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
