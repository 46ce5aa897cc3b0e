/** A smallest value that fits a JSON Schema: enough for clients that parse structured answers. */

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly items?: unknown;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly anyOf?: readonly unknown[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, unknown>>;
  readonly definitions?: Readonly<Record<string, unknown>>;
}

/** A schema that refers to itself ends here. */
const MAX_DEPTH = 8;

/** @param text what strings are to hold. */
export function sampleOf(schema: unknown, text: string, root: unknown = schema, depth = 0): unknown {
  if (schema === null || typeof schema !== 'object' || depth > MAX_DEPTH) return null;
  const { enum: values, anyOf, properties, items, minItems, minimum, $ref, ...rest } = schema as Schema;
  const inner = (of: unknown) => sampleOf(of, text, root, depth + 1);
  if ($ref) {
    const name = $ref.split('/').at(-1)!;
    const { $defs, definitions } = root as Schema;
    return inner($defs?.[name] ?? definitions?.[name]);
  }
  if (rest.const !== undefined) return rest.const;
  if (values) return values[0];
  if (anyOf) return inner(anyOf[0]);
  const type = Array.isArray(rest.type) ? rest.type[0] : rest.type;
  switch (type ?? (properties ? 'object' : 'string')) {
    case 'object':
      return Object.fromEntries(Object.entries(properties ?? {}).map(([key, of]) => [key, inner(of)]));
    case 'array':
      return Array.from({ length: minItems ?? 1 }, () => inner(items ?? {}));
    case 'integer':
    case 'number':
      return minimum ?? 0;
    case 'boolean':
      return false;
    case 'null':
      return null;
    default:
      return text;
  }
}
