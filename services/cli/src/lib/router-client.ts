/** Speaks to a router that runs, and says in a user's words why it could not. */
import { Option } from 'commander';
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

const causeOf = (error: unknown): string => {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message?: string };
  return cause?.code ?? cause?.message ?? message ?? String(error);
};

/**
 * One call.
 *
 * @throws CommandError when nothing answers there
 */
export async function call(
  url: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const key = process.env.LLM_ROUTER_API_KEY?.trim();
  try {
    return await fetch(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key && { authorization: `Bearer ${key}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    const why = causeOf(error);
    throw new CommandError(
      why === 'ECONNREFUSED'
        ? `nothing listens at ${url}; \`llm-router start\` starts a router, --url names another`
        : `${url} can’t be reached (${why})`,
    );
  }
}

/** What an error answer says. */
export function errorText(status: number, text: string): string {
  let told: { error?: { message?: unknown } | string } | null = null;
  try {
    told = JSON.parse(text);
  } catch {
    // A proxy's page, or nothing.
  }
  const error = told?.error;
  const message = typeof error === 'object' ? error?.message : error;
  const said = typeof message === 'string' ? message : text.replaceAll(/\s+/g, ' ').slice(0, 200);
  const help = status === 401 ? ' (the key goes into LLM_ROUTER_API_KEY)' : '';
  return `${status}: ${said || 'no message'}${help}`;
}

/** @throws CommandError when the answer is an error */
export async function json<T>(url: string, path: string, body?: unknown): Promise<T> {
  const response = await call(url, path, body);
  const text = await response.text();
  if (!response.ok) throw new CommandError(errorText(response.status, text));
  return JSON.parse(text) as T;
}
