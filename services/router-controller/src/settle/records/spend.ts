/** A row of the spend log: what one request used, whose it was, and what it cost. */
import type { Target } from '../../config/types.ts';
import type { Caller, RoutedRequest, Usage } from '../../request.ts';
import type { PassedRequest } from '../passed.ts';

export interface SpendRecord {
  /** RFC 3339, when it ended. */
  readonly time: string;
  readonly request_id: string;
  readonly tenant: string;
  /** Public id of the key. */
  readonly key: string;
  /** Null: it was passed on without a decision. */
  readonly policy: string | null;
  readonly label: string | null;
  readonly entry: string | null;
  /** Whose tokens they are; null: nobody was asked, or nobody answered. */
  readonly target: string | null;
  readonly model: string | null;
  readonly status: number;
  readonly input_tokens: number;
  /** Of the input. */
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  /** Who counted; null: there are no tokens. */
  readonly usage_source: Usage['source'] | null;
  /** Null: the target has no price, or there are no tokens. */
  readonly cost_usd: number | null;
  readonly ms: number;
}

interface Spent {
  readonly id: string;
  readonly caller: Caller;
  readonly target: Target | null;
  readonly usage: Usage | null;
  readonly status: number;
  readonly cost: number | null;
  readonly ms: number;
}

const recordOf = (
  { id, caller, target, usage, status, cost, ms }: Spent,
  decided: Pick<SpendRecord, 'policy' | 'label' | 'entry'>,
): SpendRecord => ({
  time: new Date().toISOString(),
  request_id: id,
  tenant: caller.tenant,
  key: caller.id,
  ...decided,
  target: target?.name ?? null,
  model: target?.model ?? null,
  status,
  input_tokens: usage?.promptTokens ?? 0,
  cached_input_tokens: usage?.cachedTokens ?? 0,
  output_tokens: usage?.completionTokens ?? 0,
  usage_source: usage?.source ?? null,
  cost_usd: cost,
  ms: Math.round(ms),
});

export function spendOf(
  request: RoutedRequest,
  status: number,
  cost: number | null,
  ms: number,
): SpendRecord {
  const { id, caller, decision, outcome, policy } = request;
  const usage = outcome?.charged ? (outcome.usage ?? null) : null;
  const target = outcome?.charged ?? null;
  return recordOf(
    { id, caller, target, usage, status, cost, ms },
    {
      policy: (decision?.policy ?? policy).name,
      label: decision?.label ?? null,
      entry: decision?.entry.name ?? null,
    },
  );
}

export const spendOfPassed = (
  { id, target, status, elapsedMs: ms }: PassedRequest,
  caller: Caller,
  usage: Usage | null,
  cost: number | null,
): SpendRecord =>
  recordOf({ id, caller, target, usage, status, cost, ms }, { policy: null, label: null, entry: null });
