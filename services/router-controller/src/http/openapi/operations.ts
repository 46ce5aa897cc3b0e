/** Every operation that the app serves; a test holds this table against the app's routes. */
import type { ErrorCode } from '../../errors.ts';
import { ROUTED } from '../endpoints.ts';
import { BY_ID } from '../responses.ts';

export interface Parameter {
  readonly name: string;
  readonly where: 'path' | 'query' | 'header';
  readonly about: string;
  readonly required?: boolean;
  /** Default: text. */
  readonly schema?: object;
}

export interface Operation {
  readonly id: string;
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  /** Schema of the JSON body. */
  readonly body?: string;
  /** It may be left out. */
  readonly bodyOptional?: boolean;
  /** Of the answer; default: 200. */
  readonly status?: number;
  readonly answer?: { readonly schema?: string; readonly type?: string; readonly about?: string };
  /** What its stream is, where it may be one. */
  readonly stream?: string;
  readonly errors?: readonly ErrorCode[];
  /** No key is asked for. */
  readonly open?: boolean;
}

const BODIES = {
  chat: ['ChatRequest', 'Chat completion'],
  completions: ['CompletionRequest', 'Legacy completion'],
  responses: ['ResponseRequest', 'Response (OpenAI’s Responses API)'],
  messages: ['MessagesRequest', 'Message (Anthropic’s API)'],
} as const;

/** Errors of everything that is decided and called. */
const ROUTED_ERRORS: readonly ErrorCode[] = [
  'permission_denied',
  'policy_not_found',
  'model_not_found',
  'no_capable_target',
  'insufficient_quota',
  'upstream_error',
  'upstream_bad_credentials',
  'upstream_unavailable',
  'upstream_timeout',
  'classifier_unavailable',
  'limiter_unavailable',
];

const routed: Operation[] = ROUTED.flatMap(({ endpoint, spellings }) =>
  spellings.map((spelling): Operation => {
    const [body, summary] = BODIES[endpoint.dialect];
    const path = spelling.replaceAll(/:(\w+)/g, '{$1}');
    return {
      id: `${endpoint.dialect}${path.replaceAll(/\W+/g, '_')}`,
      method: 'post',
      path,
      tag: 'routed',
      summary,
      body,
      answer: { schema: 'Answer' },
      stream: 'Events as the dialect has them, byte for byte where the target speaks it',
      errors: ROUTED_ERRORS,
      ...(path.includes('{deployment}') && {
        parameters: [{ name: 'deployment', where: 'path', about: 'The model, as Azure’s clients name it' }],
      }),
    };
  }),
);

const PASSED: readonly [string, string, Operation['method']][] = [
  ['/v1/embeddings', 'Embeddings', 'post'],
  ['/v1/moderations', 'Moderation', 'post'],
  ['/v1/audio/speech', 'Speech', 'post'],
  ['/v1/audio/transcriptions', 'Transcription', 'post'],
  ['/v1/audio/translations', 'Translation of speech', 'post'],
  ['/v1/images/generations', 'Image', 'post'],
  ['/v1/images/edits', 'Edit of an image', 'post'],
  ['/v1/rerank', 'Reranking', 'post'],
  ['/v1/files', 'Upload of a file', 'post'],
  ['/v1/files', 'List of files', 'get'],
  ['/v1/batches', 'Batch', 'post'],
  ['/v1/batches', 'List of batches', 'get'],
];

const passed: Operation[] = PASSED.map(([path, summary, method]) => ({
  id: `${method}${path.replaceAll(/\W+/g, '_')}`,
  method,
  path,
  tag: 'passed',
  summary,
  description:
    'Passed on to the target whose model is named, both ways as it comes. Its errors come back as they are.',
  parameters: [
    {
      name: 'x-llm-router-target',
      where: 'header',
      about: 'The target, where the request names no model',
      required: false,
    },
  ],
  answer: { type: '*/*' },
  errors: [
    'permission_denied',
    'model_not_found',
    'not_found',
    'invalid_request',
    'upstream_error',
    'upstream_timeout',
  ],
}));

const byId: Operation[] = BY_ID.map(({ method, path, below, summary }) => ({
  id: `response_${method}${below.replace('/', '_')}`,
  method,
  path: path.replaceAll(/:(\w+)/g, '{$1}'),
  tag: 'routed',
  summary,
  description: 'Asked of the target that made it: the id says which.',
  parameters: [{ name: 'response', where: 'path', about: 'As the router told it' }],
  answer: { type: 'application/json' },
  errors: ['response_not_found', 'upstream_error', 'upstream_timeout'],
}));

export const OPERATIONS: readonly Operation[] = [
  ...routed,
  ...byId,
  ...passed,
  {
    id: 'route',
    method: 'post',
    path: '/v1/route',
    tag: 'router',
    summary: 'The decision without the call',
    description: 'For one request, or for a list of up to 256.',
    body: 'RouteRequest',
    answer: { schema: 'Decisions' },
    errors: ROUTED_ERRORS,
  },
  {
    id: 'feedback',
    method: 'post',
    path: '/v1/feedback',
    tag: 'router',
    summary: 'How good an answer was',
    description: 'By the x-request-id that the answer carried; one score a source counts.',
    body: 'FeedbackRequest',
    answer: { schema: 'Feedback' },
    errors: ['invalid_request', 'request_not_found', 'rate_limit_exceeded'],
  },
  ...(['', '/v1'] as const).flatMap((prefix): Operation[] => [
    {
      id: `models${prefix.replace('/', '_')}`,
      method: 'get',
      path: `${prefix}/models`,
      tag: 'router',
      summary: 'What may be named as model',
      answer: { schema: 'Models' },
    },
    {
      id: `model${prefix.replace('/', '_')}`,
      method: 'get',
      path: `${prefix}/models/{id}`,
      tag: 'router',
      summary: 'One of them; ids may have slashes',
      parameters: [{ name: 'id', where: 'path', about: 'As the list has it' }],
      answer: { schema: 'Model' },
      errors: ['model_not_found'],
    },
  ]),
  {
    id: 'usage',
    method: 'get',
    path: '/v1/usage',
    tag: 'router',
    summary: 'What the key, or its tenant, has used, and where its budgets stand',
    parameters: [
      { name: 'days', where: 'query', about: 'How many, today included', required: false },
      { name: 'scope', where: 'query', about: '`key` or `tenant`', required: false },
    ],
    answer: { schema: 'Usage' },
    errors: ['invalid_request', 'limiter_unavailable'],
  },
  {
    id: 'config',
    method: 'get',
    path: '/config',
    tag: 'router',
    summary: 'The policies, without secrets',
    answer: { schema: 'Config' },
  },
  {
    id: 'openapi',
    method: 'get',
    path: '/openapi.json',
    tag: 'router',
    summary: 'This description',
    answer: { schema: 'Config' },
    open: true,
  },
  {
    id: 'docs',
    method: 'get',
    path: '/docs',
    tag: 'router',
    summary: 'This description as a page',
    answer: { type: 'text/html' },
    open: true,
  },
  ...(['/health', '/livez', '/readyz'] as const).map(
    (path): Operation => ({
      id: path.slice(1),
      method: 'get',
      path,
      tag: 'health',
      summary: {
        '/health': 'v1’s health',
        '/livez': 'The process lives',
        '/readyz': 'It may be sent requests; 503 when not',
      }[path],
      answer: { schema: 'Status' },
      open: true,
    }),
  ),
  {
    id: 'metrics',
    method: 'get',
    path: '/metrics',
    tag: 'health',
    summary: 'Prometheus’ exposition',
    answer: { type: 'text/plain' },
    open: true,
  },
];
