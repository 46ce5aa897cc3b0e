/** What administrators send: every field is known and right, or the request is refused with what would be. */
import type { Request } from 'express';
import { z } from 'zod';
import { hint, problemsOf } from '../../config/problems.ts';
import { keyRightsSchema } from '../../config/schema-auth.ts';
import type { RouterConfig } from '../../config/types.ts';
import { RouterError } from '../../errors.ts';

/** An overlap that is longer is no rotation, seconds. */
const MAX_GRACE_S = 30 * 86_400;

export const nothing = z.strictObject({});

export const rotation = z
  .strictObject({
    grace_seconds: z.int().min(0).max(MAX_GRACE_S).optional(),
    until: z.iso.datetime({ offset: true }).optional(),
  })
  .refine(({ grace_seconds, until }) => grace_seconds === undefined || until === undefined, {
    message: 'give one of: grace_seconds, until',
  })
  .refine(({ until }) => until === undefined || isWithin(until), {
    path: ['until'],
    message: `must be a time in the future, at most ${MAX_GRACE_S / 86_400} days ahead`,
  });

const isWithin = (until: string) => {
  const ahead = Date.parse(until) - Date.now();
  return ahead > 0 && ahead <= MAX_GRACE_S * 1_000;
};

/** When the old secret ends; null: now. */
export function endOf({ grace_seconds = 0, until }: z.infer<typeof rotation>): Date | null {
  if (until !== undefined) return new Date(until);
  return grace_seconds === 0 ? null : new Date(Date.now() + grace_seconds * 1_000);
}

/** Fields of a key that may be changed, each of them or null to take it away. */
export const keyChange = z
  .strictObject({
    ...keyRightsSchema.partial().shape,
    // A default would move a key to another tenant unasked.
    tenant: keyRightsSchema.shape.tenant.unwrap().optional(),
    name: keyRightsSchema.shape.name.nullable(),
    policies: keyRightsSchema.shape.policies.nullable(),
    targets: keyRightsSchema.shape.targets.nullable(),
    expires: keyRightsSchema.shape.expires.nullable(),
    limits: keyRightsSchema.shape.limits.nullable(),
    budget: keyRightsSchema.shape.budget.nullable(),
    disabled: keyRightsSchema.shape.disabled.nullable(),
  })
  .refine((fields) => Object.keys(fields).length > 0, {
    message: `changes nothing; there are: ${Object.keys(keyRightsSchema.shape).join(', ')}`,
  });

/** @throws RouterError invalid_request naming the first field that is wrong. */
export function readBody<T>(request: Request, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(request.body ?? {});
  if (parsed.success) return parsed.data;
  const [{ path, message }] = problemsOf(parsed.error, schema) as [{ path: string; message: string }];
  throw new RouterError('invalid_request', `${path || 'body'}: ${message}`, { param: path });
}

/** @throws RouterError invalid_request for a parameter of another name. */
export function checkQuery(request: Request, known: readonly string[]): void {
  const unknown = Object.keys(request.query).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const there = known.length > 0 ? ` There are: ${known.join(', ')}` : ' There are none here';
  throw new RouterError(
    'invalid_request',
    `No such parameter: '${unknown}'.${hint(unknown, known) || there}`,
    {
      param: unknown,
    },
  );
}

interface Named {
  readonly policies?: readonly string[] | null | undefined;
  readonly targets?: readonly string[] | null | undefined;
  readonly expires?: string | null | undefined;
}

/** @throws RouterError invalid_request for a policy or target that there is not, and for a time that is over. */
export function checkNames({ policies, targets, expires }: Named, { table }: RouterConfig): void {
  for (const [field, given, known] of [
    ['policies', policies, table.policies],
    ['targets', targets, table.targets],
  ] as const) {
    const wrong = given?.find((name) => !known.has(name));
    if (wrong !== undefined) {
      const names = [...known.keys()];
      throw new RouterError(
        'invalid_request',
        `No ${field} named '${wrong}'.${hint(wrong, names) || ` There are: ${names.join(', ')}`}`,
        { param: field },
      );
    }
  }
  if (expires && Date.parse(expires) <= Date.now())
    throw new RouterError(
      'invalid_request',
      `expires: ${expires} is in the past; to refuse a key now, disable it`,
      {
        param: 'expires',
      },
    );
}
