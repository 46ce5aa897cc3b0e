/** What is written of each request: to files, and to object stores that speak S3. */
import { z } from 'zod';

const file = {
  max_bytes: z
    .int()
    .min(1024)
    .default(100 * 1024 * 1024)
    .describe('Size at which the file is moved to PATH.1 and begun anew'),
  keep: z.int().min(0).max(100).default(3).describe('Moved files that are kept'),
};

export const decisionLogSchema = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File of JSON lines, one a decision, for `npm run replay`; absent: none. Each of several workers has its own: NAME.2.jsonl',
    ),
  text: z
    .enum(['hash', 'full'])
    .default('hash')
    .describe(
      'hash: sha256 of the classified text; full: the text itself as well, which may be personal data',
    ),
  embedding: z
    .boolean()
    .default(false)
    .describe(
      'What the classifier saw of a prompt, as numbers (2 KB a line), of policies of kind value: `npm run value:train -- --log` learns from it. Much of the text can be told from it, so it may be personal data',
    ),
  ...file,
});

export const spendLogSchema = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File of JSON lines, one a request: tenant, key’s id, target, tokens, USD, label; absent: none',
    ),
  ...file,
});

const ms = (what: string, least: number, value: number) =>
  z.int().min(least).default(value).describe(`${what}, milliseconds`);

/** What an object's name may be made of. */
export const NAME_PARTS = ['log', 'date', 'hour', 'replica', 'time', 'n'] as const;

const nameSchema = z
  .string()
  .min(1)
  .max(500)
  .default('{log}/{date}/{replica}-{time}-{n}.jsonl.gz')
  .superRefine((name, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message });
    const parts = [...name.matchAll(/\{([^}]*)\}/g)].map(([, part]) => part!);
    const unknown = parts.find((part) => !(NAME_PARTS as readonly string[]).includes(part));
    if (unknown !== undefined)
      problem(`no part {${unknown}}; there are: ${NAME_PARTS.map((part) => `{${part}}`).join(', ')}`);
    const missing = ['log', 'replica', 'time', 'n'].filter((part) => !parts.includes(part));
    if (missing.length > 0)
      problem(
        `needs ${missing.map((part) => `{${part}}`).join(', ')}: without it one object would take another’s place`,
      );
    if (name.startsWith('/') || !/^[\w{}./=-]+$/.test(name))
      problem('want letters, digits and _ . - = /, and no / at its beginning');
    if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(name)) problem('must not have . or .. between slashes');
  })
  .describe(
    'Name of each object: {log} decisions or spend, {date} 2026-11-29, {hour} 00 to 23 (UTC), {replica}, {time} in ms, {n} counts',
  );

export const objectStoreSchema = z.strictObject({
  endpoint: z
    .url({ protocol: /^https?$/ })
    .refine((text) => !URL.canParse(text) || (!new URL(text).username && !new URL(text).search), {
      message: 'want https://HOST[:PORT] alone; keys have fields of their own',
    })
    .describe('Of AWS, MinIO, Ceph, R2, GCS …: https://s3.eu-central-1.amazonaws.com, http://minio:9000'),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'want 3 to 63 of a-z, 0-9, . and -')
    .describe('It must be there: the router makes none'),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .default('us-east-1')
    .describe('As the signature names it; MinIO’s is us-east-1, R2’s auto'),
  path_style: z
    .boolean()
    .default(true)
    .describe('The bucket stands in the path; false: before the host’s name, as AWS has it'),
  access_key_id: z.string().min(1).describe('Id of the access key: ${ENV} or file:PATH'),
  secret_access_key: z.string().min(1).describe('Its secret: ${ENV} or file:PATH. Never printed'),
  session_token: z.string().min(1).optional().describe('Of temporary keys. Never printed'),
  logs: z
    .array(z.enum(['decisions', 'spend']))
    .min(1)
    .default(['spend'])
    .describe('What is put there, beside or in place of files; decision_log.text holds here, too'),
  name: nameSchema,
  batch_bytes: z
    .int()
    .min(1024)
    .max(64 * 1024 * 1024)
    .default(4 * 1024 * 1024)
    .describe('Bytes of lines, unpacked, that make an object; it is packed with gzip'),
  batch_ms: ms('Longest wait of a line for the object to be full', 100, 60_000),
  buffer_bytes: z
    .int()
    .min(1024)
    .default(32 * 1024 * 1024)
    .describe('Bytes of lines of each log that may wait for the store; further ones are dropped and counted'),
  timeout_ms: ms('Longest time of one upload', 1, 30_000),
  retry_first_ms: ms('Pause before the first retry; doubles, with jitter', 1, 1_000),
  retry_max_ms: ms('Longest pause of our own; a Retry-After may ask for more', 1, 60_000),
  give_up_ms: ms('An object that could not be put is given up when it is so old', 1, 3_600_000),
  drain_ms: ms('How long what waits may still be put when the process stops', 0, 5_000),
});

export type DecisionLogConfig = z.infer<typeof decisionLogSchema>;
export type SpendLogConfig = z.infer<typeof spendLogSchema>;
export type ObjectStoreConfig = z.infer<typeof objectStoreSchema>;
export type LogName = ObjectStoreConfig['logs'][number];
