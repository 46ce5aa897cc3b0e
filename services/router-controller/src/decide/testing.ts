/** A decision's input as tests write it. */
import type { RouterConfig } from '../config/types.ts';
import type { Caller, RouterExtension } from '../request.ts';
import { understand } from '../understand/index.ts';
import type { DecisionInput } from './decider.ts';

export interface Made {
  readonly policy?: string;
  readonly config?: RouterConfig;
  readonly extension?: Partial<RouterExtension>;
  readonly caller?: Partial<Caller>;
  readonly headers?: Record<string, string>;
  readonly address?: string;
  readonly path?: string;
  readonly signal?: AbortSignal;
}

/** @param asked a user's words, or a whole body. */
export function inputOf(
  config: RouterConfig,
  asked: string | Record<string, unknown>,
  made: Made = {},
): DecisionInput {
  const inForce = made.config ?? config;
  const policy = inForce.table.policies.get(made.policy ?? [...inForce.table.policies.keys()][0]!)!;
  const body = typeof asked === 'string' ? { messages: [{ role: 'user', content: asked }] } : asked;
  const headers = made.headers ?? {};
  const { prompt, identity } = inForce.file;
  return {
    id: 'r1',
    config: inForce,
    policy,
    facts: understand({ body, path: made.path ?? '/v1/chat/completions', headers }, { prompt, identity }),
    headers,
    extension: { policy: policy.name, strategy: 'triton', model: null, threshold: null, ...made.extension },
    caller: { id: 'key_a', tenant: 'acme', policies: null, targets: null, ...made.caller },
    address: made.address ?? '192.0.2.1',
    signal: made.signal,
  };
}
