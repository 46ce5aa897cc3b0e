/** The admin API. The token stays in this tab: no cookie goes with a call, so no other page can make one. */

const PLACE = 'llm-router-admin-token';

export interface Me {
  readonly name: string;
  readonly read_only: boolean;
}

export interface Key {
  readonly id: string;
  readonly name?: string;
  readonly tenant: string;
  readonly policies?: readonly string[];
  readonly targets?: readonly string[];
  readonly expires?: string;
  readonly disabled?: boolean;
  readonly limits?: Readonly<Record<string, number>>;
  readonly budget?: { readonly period: string; readonly usd?: number; readonly tokens?: number };
  readonly store: 'file' | 'redis';
  readonly old_secrets_until?: readonly string[];
  readonly refused?: string;
}

export interface Sums {
  readonly requests: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: number;
}

export interface Usage {
  readonly from: string;
  readonly to: string;
  readonly store: string;
  readonly total: Sums;
  readonly by_day: readonly ({ readonly date: string } & Sums)[];
  readonly by_policy: Readonly<Record<string, Sums>>;
  readonly by_target: Readonly<Record<string, Sums>>;
}

export interface Budget {
  readonly name: string;
  readonly scope: string;
  readonly holder: string;
  readonly period: string;
  readonly unit: 'usd' | 'tokens';
  readonly used: number;
  readonly limit: number;
  readonly resets_at: string;
}

export interface AuditEntry {
  readonly at: string;
  readonly by: string;
  readonly from?: string;
  readonly action: string;
  readonly key_id: string;
  readonly tenant: string;
  readonly changes?: Readonly<Record<string, { readonly before?: unknown; readonly after?: unknown }>>;
}

export interface Config {
  readonly version: string;
  readonly default_policy: string | null;
  readonly policies: readonly {
    readonly name: string;
    readonly kind?: string;
    readonly url: string;
    readonly threshold: number;
    readonly fallback: string | null;
    readonly llms: readonly {
      readonly name: string;
      readonly target?: string;
      readonly model?: string;
      readonly targets?: readonly { readonly target: string }[];
      readonly fallbacks?: readonly { readonly target: string }[];
    }[];
  }[];
}

/** What the router refused, in its own words. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const hasToken = (): boolean => sessionStorage.getItem(PLACE) !== null;
export const keepToken = (token: string): void => sessionStorage.setItem(PLACE, token);
export const forgetToken = (): void => sessionStorage.removeItem(PLACE);

/** @throws Refusal, also where the router can't be reached (status 0) */
export async function call<T>(method: string, path: string, body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${sessionStorage.getItem(PLACE) ?? ''}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      credentials: 'omit',
      cache: 'no-store',
    });
  } catch {
    throw new Refusal(0, 'The router can’t be reached.');
  }
  const answer = (await response.json().catch(() => ({}))) as { error?: { message?: string } };
  if (!response.ok)
    throw new Refusal(response.status, answer.error?.message ?? `The router answered ${response.status}.`);
  return answer as T;
}
