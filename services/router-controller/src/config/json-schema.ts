/** The configuration's JSON Schema (2020-12), for editors, the reference page and Helm's values. */
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** What readers of the schema need of a node. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** What stands for a value that is not known yet, and so need not look like it. */
const PLACEHOLDER = '\\$\\{[A-Za-z_]|^file:';

/** Constraints on a text's form; a placeholder is judged once it is filled in. */
const FORM = ['pattern', 'minLength', 'format'] as const;

/**
 * A copy in which a text of a certain form may also be a placeholder: `api_key: ${KEY}` is right, whatever a key looks like.
 *
 * @param placeholder pattern of what else stands for a value.
 */
export function withPlaceholders<T>(node: T, placeholder = PLACEHOLDER): T {
  if (Array.isArray(node)) return node.map((each) => withPlaceholders(each, placeholder)) as T;
  if (node === null || typeof node !== 'object') return node;
  const copy = Object.fromEntries(
    Object.entries(node).map(([key, child]) => [key, withPlaceholders(child, placeholder)]),
  );
  const form = FORM.filter(
    (key) => copy[key] !== undefined && !(key === 'minLength' && Number(copy[key]) <= 1),
  );
  if (copy.type !== 'string' || form.length === 0) return copy as T;
  const { description, default: fallback, ...own } = copy;
  return {
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
    anyOf: [own, { type: 'string', pattern: placeholder }],
  } as T;
}

/** Of the file as a user writes it: keys with a default are optional. */
export function configurationSchema(placeholder?: string): SchemaNode {
  const schema = z.toJSONSchema(configSchema, { io: 'input' }) as SchemaNode;
  return { ...withPlaceholders(schema, placeholder), title: 'LLM Router configuration' } as SchemaNode;
}
