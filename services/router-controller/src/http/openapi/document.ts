/** The OpenAPI description of what the router serves, made from its routes, its error catalogue and its own shapes. */
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

function describe(operation: Operation): object {
  const { summary, description, tag, body, answer, stream, errors = [], open, parameters = [] } = operation;
  const content = {
    ...(answer && {
      [answer.type ?? 'application/json']: { schema: answer.schema ? reference(answer.schema) : {} },
    }),
    ...(stream && { 'text/event-stream': { schema: { type: 'string', description: stream } } }),
  };
  const codes = [...(open ? [] : ANYWHERE), ...(body ? WITH_BODY : []), ...errors];
  return {
    summary,
    operationId: operation.id,
    tags: [tag],
    ...(description && { description }),
    ...(open && { security: [] }),
    ...(parameters.length > 0 && {
      parameters: parameters.map(({ name, where, about, required }) => ({
        name,
        in: where,
        description: about,
        required: required ?? where === 'path',
        schema: { type: 'string' },
      })),
    }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: reference(body) } } },
    }),
    responses: {
      200: {
        description: answer?.about ?? 'The answer',
        ...(Object.keys(content).length > 0 && { content }),
      },
      ...errorResponses(codes),
    },
  };
}

/** @param version of the router */
export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'LLM Router',
      version,
      description:
        'An OpenAI-compatible endpoint that classifies each request and sends it to the model that does that work best for the money. ' +
        'Fields of OpenAI’s and Anthropic’s APIs that are not listed are passed on unchanged.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { xApiKey: [] }, { apiKey: [] }, {}],
    tags: [
      { name: 'routed', description: 'Decided by a policy' },
      { name: 'passed', description: 'Passed on to the target that the model names' },
      { name: 'router', description: 'The router itself' },
      { name: 'health', description: 'For balancers and Prometheus; without a key' },
    ],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        xApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        apiKey: { type: 'apiKey', in: 'header', name: 'api-key' },
      },
      schemas: SCHEMAS,
    },
  };
}
