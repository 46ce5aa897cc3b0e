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

/** Of the file as a user writes it: keys with a default are optional. */
export function configurationSchema(): SchemaNode {
  const schema = z.toJSONSchema(configSchema, { io: 'input' }) as SchemaNode;
  return { ...schema, title: 'LLM Router configuration' } as SchemaNode;
}
