/** The configuration's reference page, from the schema that the controller reads files with. */
import type { SchemaNode } from '../../services/router-controller/src/config/json-schema.ts';
import { cell, code, head, table } from './markdown.ts';

/** An integer's own bounds say nothing to a reader. */
const bound = (value: number | undefined) =>
  value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER ? undefined : value;

function typeOf(node: SchemaNode): string {
  if (node.enum) return node.enum.map(String).join(', ');
  if (node.const !== undefined) return String(node.const);
  if (node.anyOf) return [...new Set(node.anyOf.map(typeOf))].join(' or ');
  if (node.type === 'array') return `list of ${node.items ? typeOf(node.items) : 'anything'}`;
  const low = bound(node.minimum);
  const high = bound(node.maximum);
  const range =
    low !== undefined && high !== undefined
      ? ` ${low}…${high}`
      : low !== undefined && low !== 0
        ? ` ≥ ${low}`
        : '';
  return `${[node.type ?? 'anything'].flat().join(' or ')}${range}`;
}

/** The object inside a node, through lists, maps and alternatives. */
function objectIn(node: SchemaNode, path: string): { node: SchemaNode; path: string } | null {
  if (node.properties) return { node, path };
  if (node.items) return objectIn(node.items, `${path}[]`);
  if (typeof node.additionalProperties === 'object')
    return objectIn(node.additionalProperties, `${path}.NAME`);
  for (const each of node.anyOf ?? []) {
    const found = objectIn(each, path);
    if (found) return found;
  }
  return null;
}

/** A default that is an object stands at its own keys. */
function defaultOf(node: SchemaNode, required: boolean): string {
  if (required) return 'needed';
  if (node.default === undefined) return '';
  if (node.default !== null && typeof node.default === 'object' && !Array.isArray(node.default)) return '';
  return code(JSON.stringify(node.default));
}

function sections(node: SchemaNode, path: string): string[] {
  const rows: string[][] = [];
  const below: string[] = [];
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const place = path ? `${path}.${key}` : key;
    const nested = objectIn(child, place);
    rows.push([
      code(key),
      cell(typeOf(child)),
      defaultOf(child, node.required?.includes(key) ?? false),
      cell(child.description ?? (nested ? `see below, ${code(nested.path)}` : '')),
    ]);
    if (nested) below.push(...sections(nested.node, nested.path));
  }
  const title = path ? `\n## \`${path}\`\n` : '\n## The file\n';
  return [`${title}\n${table(['key', 'type', 'default', 'meaning'], rows)}\n`, ...below];
}

export function configurationPage(schema: SchemaNode): string {
  const words =
    'One YAML file. Keys are strict: a typo is refused with its path and the nearest right word. Strings may hold `${VAR}`,\n' +
    '`${VAR:-default}`, or `file:PATH` as a whole; values that come so are never printed. `npm run check-config -- FILE`\n' +
    'checks a file without starting. v1’s file loads unchanged. Editors take the schema from `config/schema.generated.json`.';
  return [
    head('Configuration', 'services/router-controller/src/config/schema.ts', words),
    ...sections(schema, ''),
  ].join('');
}
