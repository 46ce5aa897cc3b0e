/** OpenAPI descriptions of what the router serves, made from its routes, its error catalogue and its own shapes. */
import { ERRORS, type ErrorCode } from '../../errors.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { SCHEMAS } from './schemas.ts';

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** Errors that any request with a key may get. */
const ANYWHERE: readonly ErrorCode[] = [
  'invalid_api_key',
  'rate_limit_exceeded',
  'overloaded',
  'shutting_down',
  'auth_unavailable',
];
/** Errors of requests with a JSON body. */
const WITH_BODY: readonly ErrorCode[] = [
  'invalid_json',
  'invalid_request',
  'request_timeout',
  'request_too_large',
  'unsupported_media_type',
];

function errorResponses(codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      String(status),
      {
        description: list.map((code) => `\`${code}\`: ${ERRORS[code].help}`).join(' '),
        content: { 'application/json': { schema: reference('Error') } },
      },
    ]),
  );
}

export interface Api {
  readonly info: { readonly title: string; readonly description: string };
  readonly operations: readonly Operation[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly schemas: Readonly<Record<string, object>>;
  readonly security: Readonly<Record<string, object>>;
  /** Each of the schemes by itself is enough; {}: none is. */
  readonly alternatives: readonly object[];
  /** Errors that any call may get that is not open. */
  readonly anywhere: readonly ErrorCode[];
  /** Errors of calls with a body, beside those. */
  readonly withBody: readonly ErrorCode[];
}

function describe(operation: Operation, { anywhere, withBody }: Api): object {
  const { summary, description, tag, body, answer, stream, errors = [], open, parameters = [] } = operation;
  const content = {
    ...(answer && {
      [answer.type ?? 'application/json']: { schema: answer.schema ? reference(answer.schema) : {} },
    }),
    ...(stream && { 'text/event-stream': { schema: { type: 'string', description: stream } } }),
  };
  const codes = [...(open ? [] : anywhere), ...(body ? withBody : []), ...errors];
  return {
    summary,
    operationId: operation.id,
    tags: [tag],
    ...(description && { description }),
    ...(open && { security: [] }),
    ...(parameters.length > 0 && {
      parameters: parameters.map(({ name, where, about, required, schema = { type: 'string' } }) => ({
        name,
        in: where,
        description: about,
        required: required ?? where === 'path',
        schema,
      })),
    }),
    ...(body && {
      requestBody: {
        required: !operation.bodyOptional,
        content: { 'application/json': { schema: reference(body) } },
      },
    }),
    responses: {
      [operation.status ?? 200]: {
        description: answer?.about ?? 'The answer',
        ...(Object.keys(content).length > 0 && { content }),
      },
      ...errorResponses(codes),
    },
  };
}

/** @param version of the router */
export function describeApi(api: Api, version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of api.operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation, api) };
  }
  return {
    openapi: '3.1.0',
    info: { version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' }, ...api.info },
    servers: [{ url: '/' }],
    security: api.alternatives,
    tags: api.tags,
    paths,
    components: { securitySchemes: api.security, schemas: api.schemas },
  };
}

const ROUTER: Api = {
  info: {
    title: 'LLM Router',
    description:
      'An OpenAI-compatible endpoint that classifies each request and sends it to the model that does that work best for the money. ' +
      'Fields of OpenAI’s and Anthropic’s APIs that are not listed are passed on unchanged.',
  },
  operations: OPERATIONS,
  tags: [
    { name: 'routed', description: 'Decided by a policy' },
    { name: 'passed', description: 'Passed on to the target that the model names' },
    { name: 'router', description: 'The router itself' },
    { name: 'health', description: 'For balancers and Prometheus; without a key' },
  ],
  schemas: SCHEMAS,
  security: {
    bearer: { type: 'http', scheme: 'bearer' },
    xApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
    apiKey: { type: 'apiKey', in: 'header', name: 'api-key' },
  },
  alternatives: [{ bearer: [] }, { xApiKey: [] }, { apiKey: [] }, {}],
  anywhere: ANYWHERE,
  withBody: WITH_BODY,
};

/** @param version of the router */
export const openApi = (version: string): object => describeApi(ROUTER, version);
