/** An HTTP API as a page, from the OpenAPI description that the router serves. */
import { cell, code, head, table } from './markdown.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}
type Content = Readonly<Record<string, { readonly schema?: Schema }>>;
interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}
interface Description {
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

function typeOf(schema: Schema): string {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1)!;
    return `[${name}](#${name.toLowerCase()})`;
  }
  const choices = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(' or ');
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  return [schema.type ?? 'any'].flat().join(' or ');
}

const bodyOf = (content: Content | undefined): string =>
  Object.values(content ?? {})
    .map(({ schema }) => (schema ? typeOf(schema) : ''))
    .find((text) => text !== '') ?? '';

export const ROUTER_WORDS = `The router serves this description of itself as [OpenAPI](openapi.generated.json) at \`/openapi.json\`, and as a page at \`/docs\`. What each error means:
[errors](errors.md). Clients' own fields that the router does not read go on unchanged. Keys are made by the [admin API](admin-api.md).`;

export const ADMIN_WORDS = `On a port of its own, where the configuration has an [\`admin\`](configuration.md) section. The router serves this description of it as
[OpenAPI](admin-api.generated.json) at \`/admin/openapi.json\`. How keys are made and changed: [keys, limits and budgets](../how-to/keys-limits-and-budgets.md). What each error means: [errors](errors.md).`;

function objects(schemas: Description['components']['schemas']): string {
  return Object.entries(schemas)
    .map(([name, schema]) => {
      const rows = Object.entries(schema.properties ?? {}).map(([key, each]) => [
        code(key),
        typeOf(each),
        schema.required?.includes(key) ? 'yes' : '',
        cell(each.description ?? ''),
      ]);
      const about = schema.description ? `${schema.description}\n\n` : '';
      const body =
        rows.length > 0 ? table(['member', 'type', 'always', 'meaning'], rows) : `${typeOf(schema)}.`;
      return `### ${name}\n\n${about}${body}\n`;
    })
    .join('\n');
}

/** @param document as OpenAPI describes it */
export function httpApiPage(title: string, words: string, document: object): string {
  const { tags, paths, components } = document as Description;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => METHODS.includes(method))
      .map(([method, operation]) => ({ path, method, ...operation })),
  );
  const sections = tags.map(({ name, description }) => {
    const own = operations
      .filter((operation) => operation.tags?.includes(name))
      .map(({ path, method, summary = '', description: more, requestBody, responses }) => ({
        call: code(`${method.toUpperCase()} ${path}`),
        rest: [
          cell([summary, more].filter(Boolean).join('. ')),
          bodyOf(requestBody?.content),
          bodyOf((responses['200'] ?? responses['201'])?.content),
          Object.keys(responses).join(', '),
        ],
      }));
    // Several paths that are one call stand in one row.
    const rows = [...Map.groupBy(own, ({ rest }) => rest.join('|')).values()].map((same) => [
      same.map(({ call }) => call).join(', '),
      ...same[0]!.rest,
    ]);
    return `## ${name}\n\n${description ? `${description}\n\n` : ''}${table(['call', 'what it does', 'body', 'answer', 'statuses'], rows)}\n`;
  });
  return `${head(title, 'services/router-controller/src/http/openapi', words)}\n${sections.join('\n')}\n## Objects\n\n${objects(components.schemas)}`;
}
