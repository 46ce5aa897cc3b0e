/** The OpenAPI description of the admin API; a test holds it against the routes. */
import { BROWSER_MODULES } from '../../../../pages/src/served.ts';
import type { ErrorCode } from '../../errors.ts';
import { adminShapes } from './admin-shapes.ts';
import { describeApi } from './document.ts';
import type { Operation, Parameter } from './operations.ts';
import { SCHEMAS } from './schemas.ts';

const ID: Parameter = { name: 'id', where: 'path', about: 'Id of the key' };
const DAYS: Parameter = {
  name: 'days',
  where: 'query',
  about: 'How many, today included; default: 31',
  schema: { type: 'integer', minimum: 1, maximum: 9999 },
};
const scope = (about: string): Parameter => ({
  name: 'scope',
  where: 'query',
  about,
  schema: { enum: ['key', 'tenant'] },
});

/** Only who may change; a read-only token is refused. */
const CHANGES: readonly ErrorCode[] = ['permission_denied', 'auth_unavailable', 'not_found'];

const change = (
  operation: Pick<Operation, 'id' | 'method' | 'path' | 'summary'> & Partial<Operation>,
): Operation => ({
  tag: 'keys',
  parameters: [ID],
  body: 'Nothing',
  bodyOptional: true,
  answer: { schema: 'Key' },
  errors: CHANGES,
  ...operation,
});

export const ADMIN_OPERATIONS: readonly Operation[] = [
  {
    id: 'list_keys',
    method: 'get',
    path: '/admin/keys',
    tag: 'keys',
    summary: 'All keys, those of the configuration first',
    answer: { schema: 'Keys' },
    errors: ['auth_unavailable'],
  },
  change({
    id: 'create_key',
    method: 'post',
    path: '/admin/keys',
    summary: 'A new key; its secret is shown this once',
    parameters: [],
    body: 'KeyRights',
    status: 201,
    answer: { schema: 'ShownKey' },
    errors: ['permission_denied', 'auth_unavailable'],
  }),
  {
    id: 'get_key',
    method: 'get',
    path: '/admin/keys/{id}',
    tag: 'keys',
    summary: 'One key',
    parameters: [ID],
    answer: { schema: 'KeptKey' },
    errors: ['not_found', 'auth_unavailable'],
  },
  change({
    id: 'change_key',
    method: 'patch',
    path: '/admin/keys/{id}',
    summary: 'Changes what it may do',
    body: 'KeyChange',
    bodyOptional: false,
  }),
  change({
    id: 'delete_key',
    method: 'delete',
    path: '/admin/keys/{id}',
    summary: 'Takes it away for good',
    answer: { schema: 'DeletedKey' },
  }),
  change({
    id: 'rotate_key',
    method: 'post',
    path: '/admin/keys/{id}/rotate',
    summary: 'Gives it a new secret, shown this once',
    description: 'The old one ends now, or after a while.',
    body: 'Rotation',
    answer: { schema: 'ShownKey' },
  }),
  change({
    id: 'end_overlap',
    method: 'post',
    path: '/admin/keys/{id}/end-overlap',
    summary: 'Ends its old secrets now',
  }),
  change({
    id: 'disable_key',
    method: 'post',
    path: '/admin/keys/{id}/disable',
    summary: 'Refuses it until it is enabled',
  }),
  change({ id: 'enable_key', method: 'post', path: '/admin/keys/{id}/enable', summary: 'Lets it in again' }),
  {
    id: 'audit',
    method: 'get',
    path: '/admin/audit',
    tag: 'keys',
    summary: 'Who changed which key, newest first',
    parameters: [
      {
        name: 'limit',
        where: 'query',
        about: 'How many; default: 100',
        schema: { type: 'integer', minimum: 1, maximum: 1000 },
      },
      { name: 'key_id', where: 'query', about: 'Of this key only' },
    ],
    answer: { schema: 'Audit' },
    errors: ['auth_unavailable'],
  },
  {
    id: 'usage',
    method: 'get',
    path: '/admin/usage',
    tag: 'holders',
    summary: 'What a key or tenant has used',
    parameters: [
      { name: 'id', where: 'query', about: 'A key’s id or a tenant', required: true },
      scope('Which of the two the id is; default: `key`'),
      DAYS,
    ],
    answer: { schema: 'AdminUsage' },
    errors: ['auth_unavailable'],
  },
  {
    id: 'budgets',
    method: 'get',
    path: '/admin/budgets',
    tag: 'holders',
    summary: 'Where budgets stand: those of all and of policies, or one holder’s',
    parameters: [
      { name: 'id', where: 'query', about: 'A key’s id or a tenant' },
      scope('Which of the two the id is; default: `tenant`'),
    ],
    answer: { schema: 'Budgets' },
    errors: ['not_found', 'auth_unavailable'],
  },
  {
    id: 'tenants',
    method: 'get',
    path: '/admin/tenants',
    tag: 'holders',
    summary: 'Tenants that have keys, and what each has used',
    parameters: [DAYS],
    answer: { schema: 'Tenants' },
    errors: ['auth_unavailable'],
  },
  {
    id: 'me',
    method: 'get',
    path: '/admin/me',
    tag: 'router',
    summary: 'Whose token this is, and whether it may change anything',
    answer: { schema: 'Me' },
  },
  {
    id: 'config',
    method: 'get',
    path: '/admin/config',
    tag: 'router',
    summary: 'The policies as they are in force',
    answer: { schema: 'AdminConfig' },
  },
  {
    id: 'openapi',
    method: 'get',
    path: '/admin/openapi.json',
    tag: 'page',
    summary: 'This description',
    answer: {},
    open: true,
  },
  ...['/', '/admin', '/admin/page/{name}', ...BROWSER_MODULES.map((name) => `/${name}`)].map(
    (path): Operation => ({
      id: `page${path.replaceAll(/\W+/g, '_').replace(/_$/, '')}`,
      method: 'get',
      path,
      tag: 'page',
      summary: /\{name\}|\.ts$/.test(path) ? 'A file of the admin page' : 'The admin page',
      ...(path.endsWith('{name}') && {
        parameters: [{ name: 'name', where: 'path', about: 'The file' }],
      }),
      answer: { type: /\{name\}|\.ts$/.test(path) ? '*/*' : 'text/html' },
      open: true,
    }),
  ),
];

/** @param version of the router */
export const adminApi = (version: string): object =>
  describeApi(
    {
      info: {
        title: 'LLM Router: admin API',
        description:
          'Keys, who changed them, usage and budgets: on a port of its own (`admin` in the configuration), for holders of an admin token. ' +
          'A member or parameter that is not listed is refused.',
      },
      operations: ADMIN_OPERATIONS,
      tags: [
        { name: 'keys', description: 'Made, changed, rotated and revoked; those of the file are only told' },
        { name: 'holders', description: 'What keys and tenants have used, and where their budgets stand' },
        { name: 'router', description: 'The router itself' },
        {
          name: 'page',
          description: 'The admin page; it holds nothing of anybody’s, so no token is asked for',
        },
      ],
      schemas: { ...adminShapes(), Error: SCHEMAS.Error! },
      security: { bearer: { type: 'http', scheme: 'bearer', description: 'The admin token' } },
      alternatives: [{ bearer: [] }],
      anywhere: ['invalid_api_key', 'invalid_request', 'rate_limit_exceeded'],
      withBody: ['invalid_json', 'request_too_large'],
    },
    version,
  );
