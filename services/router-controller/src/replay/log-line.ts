/** Pure, and without imports, so that the playground's page runs it too: one line of the decision log. */

/** What every line of a decision has. */
const NEEDED = ['policy', 'strategy', 'reason', 'entry', 'needs'] as const;

/**
 * @typeParam R the record; only that it is a decision is looked at.
 * @returns null: a score of an answer, not a decision.
 * @throws Error that says what the line lacks: `not JSON`, or a field.
 */
export function readLogLine<R>(line: string): R | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error('not JSON');
  }
  if ((value as { type?: unknown } | null)?.type === 'feedback') return null;
  const record = value as Readonly<Record<string, unknown>> | null;
  for (const key of NEEDED)
    if (record?.[key] === undefined) throw new Error(`no '${key}': not a line of the decision log`);
  return value as R;
}
