/** VALUES.md: the chart's values as a table, from their schema and values.yaml. */

import { cell, code, head, table } from '../../../scripts/docs/markdown.ts';
import type { SchemaNode } from '../../../services/router-controller/src/config/json-schema.ts';

const isEmpty = (value: unknown) =>
  value !== null && typeof value === 'object' && Object.keys(value as object).length === 0;

function rows(node: SchemaNode, defaults: unknown, path: string): string[][] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const place = path ? `${path}.${key}` : key;
    const value = (defaults as Record<string, unknown> | undefined)?.[key];
    // The configuration has a page of its own.
    if (place === 'config') return [[code(place), 'see values.yaml', cell(child.description ?? '')]];
    if (child.properties && !isEmpty(value)) return rows(child, value, place);
    return [
      [code(place), value === undefined ? '' : code(JSON.stringify(value)), cell(child.description ?? '')],
    ];
  });
}

/** @param defaults what values.yaml holds. */
export function valuesPage(schema: SchemaNode, defaults: unknown): string {
  const words =
    'Set them by `--values FILE` or `--set`. A key that is not here is refused with its path. Keys below `config` are\n' +
    'the router’s: [configuration](../../../docs/reference/configuration.md).';
  const body = table(['value', 'default', 'meaning'], rows(schema, defaults, ''));
  return `${head('Values of the chart', 'deploy/helm/src/values-schema.ts', words)}\n${body}\n`;
}
