/** Pure, and without imports, so that the playground's page runs it too: where a logged decision comes to under a table. */

/** What a decision was made from, as the log has it. */
export interface LoggedLabel {
  readonly reason: string;
  readonly label: string | null;
  readonly confidence: number | null;
  readonly scores: Readonly<Record<string, number>> | null;
}

/** A pinned conversation stays where it was, and cue words are not looked at again. */
export const staysPut = ({ reason }: Pick<LoggedLabel, 'reason'>): boolean =>
  reason === 'pinned' || reason === 'heuristic';

/**
 * What the classifier said: the likeliest by its scores, because a rule that said what the request is stands as its label.
 *
 * @returns null: it said nothing.
 */
export function saidOf({
  label,
  confidence,
  scores,
}: LoggedLabel): { label: string; confidence: number } | null {
  if (label === null || confidence === null || scores === null) return null;
  const [best] = Object.entries(scores).sort(([, a], [, b]) => b - a);
  return { label: best?.[0] ?? label, confidence: best?.[1] ?? confidence };
}

export interface Share<T> {
  readonly target: T;
  /** Of 1, because weights draw lots. */
  readonly share: number;
}

/** The targets that come first: those of the lowest priority that can do it, by weight; none: no route can. */
export function firstShares<T>(
  routes: readonly { readonly target: T; readonly weight: number; readonly priority: number }[],
  able: (target: T) => boolean,
): Share<T>[] {
  const open = routes.filter(({ target, weight }) => weight > 0 && able(target));
  const lowest = Math.min(...open.map(({ priority }) => priority));
  const first = open.filter(({ priority }) => priority === lowest);
  const whole = first.reduce((sum, { weight }) => sum + weight, 0);
  return first.map(({ target, weight }) => ({ target, share: weight / whole }));
}
