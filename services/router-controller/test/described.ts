/** Holds answers of the admin API against what its OpenAPI description says of them. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { adminApi } from '../src/http/openapi/admin.ts';

interface Description {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly responses: Readonly<
              Record<string, { content?: Record<string, { schema?: { $ref?: string } }> }>
            >;
          }
        >
      >
    >
  >;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const { paths, components } = adminApi('1.2.3') as Description;
const shapes = new Map<string, z.ZodType>();

function shapeOf(reference: string): z.ZodType {
  const name = reference.split('/').at(-1)!;
  const shape =
    shapes.get(name) ?? z.fromJSONSchema(components.schemas[name] as z.core.JSONSchema.JSONSchema);
  shapes.set(name, shape);
  return shape;
}

/** @throws AssertionError when the call is not described, or may not be answered so. */
export function assertDescribed(method: string, url: string, status: number, body: unknown): void {
  const { pathname } = new URL(url, 'http://any');
  const path = Object.keys(paths).find((each) =>
    new RegExp(`^${each.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
  );
  const operation = path === undefined ? undefined : paths[path]![method.toLowerCase()];
  if (!operation) {
    // Without a right token nobody is told whether there is such a call.
    assert.ok([401, 403, 404, 429].includes(status), `${method} ${pathname} is not described`);
    return;
  }
  const response = operation.responses[status];
  assert.ok(response, `${method} ${path}: ${status} is not described`);
  const reference = response.content?.['application/json']?.schema?.$ref;
  assert.ok(reference, `${method} ${path}: the answer's shape is not described`);
  const { error } = shapeOf(reference).safeParse(body);
  assert.equal(error && z.prettifyError(error), undefined, `${method} ${path}: ${JSON.stringify(body)}`);
}
