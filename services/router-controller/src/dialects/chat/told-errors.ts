/** Failures that upstreams tell of inside an answer that says success, in any of their spellings. */

import { secrets } from '../../observe/secrets/index.ts';

const MAX_CHARS = 500;

interface Told {
  readonly error?: unknown;
  readonly object?: unknown;
  readonly message?: unknown;
  readonly msg?: unknown;
  readonly detail?: unknown;
  readonly choices?: unknown;
}

/** The message of an error object, no longer than 500 characters. */
export function errorText({ error, message, msg, detail }: Told): string {
  let told: unknown = error;
  // Some gateways wrap the error of another in one of their own.
  for (let depth = 0; depth < 3 && told !== null && typeof told === 'object'; depth++)
    told = (told as Told).message ?? (told as Told).error ?? told;
  told ||= message ?? msg ?? detail;
  return secrets.excerpt(typeof told === 'string' ? told : JSON.stringify(told ?? 'no message'), MAX_CHARS);
}

/** What an answer or a stream event tells of a failure; null: nothing. */
export function errorIn(told: Told): string | null {
  if (told.error || told.object === 'error') return errorText(told);
  if (!Array.isArray(told.choices)) return null;
  for (const choice of told.choices as (({ finish_reason?: unknown } & Told) | null)[]) {
    if (choice?.error) return errorText(choice);
    if (choice?.finish_reason === 'error') return 'the choice ended with finish_reason "error"';
  }
  return null;
}
