/** Values that are not known yet must not fail for their form: something of the right form takes their place. */
import { formatPath } from './problems.ts';
import { configSchema } from './schema.ts';

/** One of each form that the schema wants of a text. */
const FORMS = [
  `sha256:${'0'.repeat(64)}`,
  `whsec_${'A'.repeat(43)}=`,
  'grpc://placeholder.invalid:8001/placeholder',
  'http://placeholder.invalid',
  'https://placeholder.invalid',
  'redis://placeholder.invalid:6379',
  '127.0.0.1',
  '2100-01-01T00:00:00Z',
  'placeholder',
];

function withValue(node: unknown, [step, ...rest]: readonly PropertyKey[], value: string): unknown {
  if (step === undefined) return value;
  if (Array.isArray(node)) return node.with(Number(step), withValue(node[Number(step)], rest, value));
  const object = node as Record<PropertyKey, unknown>;
  return { ...object, [step]: withValue(object[step], rest, value) };
}

const issuesOf = (document: unknown) => configSchema.safeParse(document).error?.issues ?? [];

/**
 * The document, with a value of the right form at each of these paths whose placeholder has a wrong one. What no text can
 * be, such as a number, is left and refused.
 *
 * @param placeholders paths as {@link formatPath} writes them.
 */
export function fillIn(document: unknown, placeholders: ReadonlySet<string>): unknown {
  if (placeholders.size === 0) return document;
  let filled = document;
  for (const issue of issuesOf(document)) {
    const path = formatPath(issue.path);
    if (!placeholders.has(path)) continue;
    const words = issue.code === 'invalid_value' ? issue.values.map(String) : FORMS;
    const right = words
      .map((word) => withValue(filled, issue.path, word))
      .find((tried) => !issuesOf(tried).some((other) => formatPath(other.path) === path));
    filled = right ?? filled;
  }
  return filled;
}
