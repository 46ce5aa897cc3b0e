/** The tables know every name that today's SDKs can send, so that a new one is a decision and not an accident. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import * as messages from './messages/tables.ts';
import * as responses from './responses/tables.ts';
import type { FieldTable } from './table.ts';

const require = createRequire(import.meta.url);
const typesOf = (sdk: string, path: string) =>
  readFileSync(join(dirname(require.resolve(sdk)), path), 'utf8').replaceAll(/\/\*\*[\s\S]*?\*\//g, '');

/** Body of an interface; braces of a definition stand at its own depth. */
function membersOf(source: string, name: string): string[] {
  const body = new RegExp(`^export interface ${name} (?:extends \\w+ )?\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(
    source,
  )?.[1];
  assert.ok(body, `no interface ${name}`);
  return [...body.matchAll(/^ {4}(\w+)\??:/gm)].map(([, member]) => member!);
}

/** The `type` of each member of a union, found by name wherever it is declared. */
function kindsOf(source: string, union: string): string[] {
  const members = new RegExp(`^export type ${union} = ([^;]+);`, 'm').exec(source)?.[1]?.split(' | ');
  assert.ok(members, `no union ${union}`);
  return members.flatMap((member) => {
    const name = member.split('.').at(-1)!;
    const alias = new RegExp(`^export type ${name} = ([^;]+);`, 'm').exec(source);
    if (alias) return kindsOf(source, name);
    const bodies = [
      ...source.matchAll(
        new RegExp(`^( *)(?:export )?interface ${name} (?:extends \\w+ )?\\{\\n([\\s\\S]*?)^\\1\\}`, 'gm'),
      ),
    ];
    assert.ok(bodies.length > 0, `no interface ${name}`);
    return bodies.flatMap(([, , body]) =>
      [...body!.matchAll(/^ *type\??: ([^;]+);/gm)].flatMap(([, types]) =>
        [...types!.matchAll(/'(\w+)'/g)].map(([, type]) => type!),
      ),
    );
  });
}

function knows(
  table: FieldTable,
  names: readonly string[],
  what: string,
  allowed: readonly string[] = [],
): void {
  const unknown = names.filter((name) => !Object.hasOwn(table, name) && !allowed.includes(name));
  assert.deepEqual([...new Set(unknown)], [], `${what} that the table does not know`);
  assert.ok(names.length >= 3, what);
}

test('Responses: members, items, tools and tool choices of the openai SDK', () => {
  const source = typesOf('openai', 'resources/responses/responses.d.ts');
  knows(responses.FIELDS, membersOf(source, 'ResponseCreateParamsBase'), 'members');
  knows(responses.ITEMS, kindsOf(source, 'ResponseInputItem'), 'items', ['direct', 'local', 'program']);
  const undated = kindsOf(source, 'Tool').map((type) => type.replace(/_\d{4}_\d{2}_\d{2}$/, ''));
  knows(responses.TOOLS, undated, 'tools');
  knows(responses.PARTS, kindsOf(source, 'ResponseInputContent'), 'parts');
});

test('Messages: members, blocks and tools of Anthropic’s SDK', () => {
  const source = typesOf('@anthropic-ai/sdk', 'resources/messages/messages.d.ts');
  knows(messages.FIELDS, membersOf(source, 'MessageCreateParamsBase'), 'members');
  knows(messages.BLOCKS, kindsOf(source, 'ContentBlockParam'), 'blocks');
  const undated = kindsOf(source, 'ToolUnion').map((type) => type.replace(/_\d{8}$/, ''));
  knows(messages.TOOLS, undated, 'tools');
  knows(messages.TOOL_CHOICES, kindsOf(source, 'ToolChoice'), 'tool choices');
});

test('every refusal and every loss has words', () => {
  for (const { tables } of [responses.TABLES, messages.TABLES])
    for (const { rows } of tables)
      for (const [name, row] of Object.entries(rows)) {
        if (row.fate === 'refused') assert.ok((row.note ?? '').length > 20, name);
        if (row.fate === 'mapped') assert.ok(row.to, name);
      }
});
