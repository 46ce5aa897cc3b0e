/** What happens in the router, in the words of notices. */
import type { CallObserver } from '../call/index.ts';
import type { Target } from '../config/types.ts';
import type { BudgetState } from '../ledger/index.ts';
import type { ReloadResult } from '../reload.ts';
import type { Notice } from './notice.ts';

type Tell = (notice: Notice) => void;

const DAY_MS = 86_400_000;

/** A problem in one line of bounded length; a list of them by its first. */
function brief(problem: string): string {
  const line = problem.replaceAll(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

const replicaOf = ({ name, id }: Target) => (id === name ? name : id);

/** The observer, which also tells of breakers and keys. */
export const tellOfCalls = (observer: CallObserver, tell: Tell): CallObserver => ({
  ...observer,
  breakerChanged: (target, state) => {
    observer.breakerChanged(target, state);
    // Half-open is a try, and no news.
    if (state === 'half_open') return;
    const open = state === 'open';
    tell({
      type: open ? 'breaker.opened' : 'breaker.closed',
      subject: `breaker ${target.id}`,
      ends: !open,
      severity: open ? 'error' : 'info',
      summary: open
        ? `Target ${replicaOf(target)} fails and rests behind its circuit breaker; requests go to its fallbacks`
        : `Target ${replicaOf(target)} answers again`,
      data: { target: target.name, upstream: target.id, model: target.model },
    });
  },
  keyChanged: (target, bad, status) => {
    observer.keyChanged(target, bad, status);
    tell({
      type: bad ? 'upstream_key.refused' : 'upstream_key.taken',
      subject: `key ${target.id}`,
      ends: !bad,
      severity: bad ? 'error' : 'info',
      summary: bad
        ? `Target ${replicaOf(target)} refuses our key${status === null ? '' : ` (HTTP ${status})`}`
        : `Target ${replicaOf(target)} takes our key again`,
      data: { target: target.name, upstream: target.id, model: target.model, status },
    });
  },
});

/** A budget that has come so far. */
export function budgetNotice(state: BudgetState, level: 'near' | 'spent', warnAt: number): Notice {
  const { name, scope, holder, period, unit, used, limit, resets_at } = state;
  const whose = scope === 'global' ? 'all callers together' : `${scope} '${holder}'`;
  const amount =
    unit === 'usd' ? `${used.toFixed(2)} of ${limit.toFixed(2)} USD` : `${used} of ${limit} tokens`;
  const spent = level === 'spent';
  return {
    type: spent ? 'budget.spent' : 'budget.near',
    subject: `budget ${level} ${name} ${scope} ${holder} ${period} ${unit} ${limit}`,
    severity: spent ? 'error' : 'warning',
    summary: spent
      ? `Budget '${name}' of ${whose} for ${period} is spent: ${amount}. It begins anew at ${resets_at}`
      : `Budget '${name}' of ${whose} for ${period} is past ${Math.round(warnAt * 100)} %: ${amount}`,
    data: { budget: name, scope, holder, period, unit, used, limit, resets_at },
    // Until its period is over, and a little longer: clocks differ.
    rememberMs: Math.max(DAY_MS, Date.parse(resets_at) - Date.now() + DAY_MS),
  };
}

/** @param before version in force before. @returns null: nothing worth telling */
export function reloadNotice(
  { result, version, problem, needRestart }: ReloadResult,
  before: string,
  trigger: string,
): Notice | null {
  if (result === 'unchanged') return null;
  if (result === 'refused') {
    const words = brief(problem ?? 'unknown');
    return {
      type: 'config.refused',
      subject: 'config',
      state: `refused ${words}`,
      severity: 'error',
      summary: `A changed configuration is refused, ${version} stays in force: ${words}`,
      data: { trigger, in_force: version, problem: words },
    };
  }
  const later =
    needRestart.length === 0 ? '' : `; these keys take effect at a restart: ${needRestart.join(', ')}`;
  return {
    type: 'config.applied',
    subject: 'config',
    state: `applied ${version}`,
    severity: 'info',
    summary: `Configuration ${version} is in force (before: ${before})${later}`,
    data: { trigger, in_force: version, before, need_restart: needRestart },
  };
}

export const classifierNotice = (policy: string, ready: boolean, problem: string | null): Notice => ({
  type: ready ? 'classifier.back' : 'classifier.gone',
  subject: `classifier ${policy}`,
  ends: ready,
  severity: ready ? 'info' : 'error',
  summary: ready
    ? `The classifier of policy '${policy}' answers again`
    : `The classifier of policy '${policy}' is gone: ${brief(problem ?? 'no answer')}`,
  data: { policy, ...(problem !== null && { problem: brief(problem) }) },
});

export const sharingNotice = (shared: boolean, problem: string | null): Notice => ({
  type: shared ? 'limits.shared' : 'limits.not_shared',
  subject: 'sharing',
  ends: shared,
  severity: shared ? 'info' : 'error',
  summary: shared
    ? 'Redis is back: limits, budgets and usage are shared between replicas again'
    : `Redis is of no use (${brief(problem ?? 'no answer')}): each replica keeps its own share of the limits`,
  data: problem === null ? {} : { problem: brief(problem) },
});
