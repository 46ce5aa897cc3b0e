/** The routed endpoints and every spelling that clients use for them. */
import type { Endpoint } from '../request.ts';

export interface EndpointRoute {
  readonly endpoint: Endpoint;
  /** Paths that are described; case and a slash at the end don't matter, and `spellings.ts` leads to the first of them. */
  readonly spellings: readonly string[];
}

const AZURE = '/openai/deployments/:deployment';

export const ROUTED: readonly EndpointRoute[] = [
  {
    endpoint: { dialect: 'chat', path: '/v1/chat/completions' },
    spellings: [
      '/v1/chat/completions',
      '/chat/completions',
      '/openai/v1/chat/completions',
      `${AZURE}/chat/completions`,
    ],
  },
  {
    endpoint: { dialect: 'completions', path: '/v1/completions' },
    spellings: ['/v1/completions', '/openai/v1/completions', `${AZURE}/completions`],
  },
  {
    endpoint: { dialect: 'responses', path: '/v1/responses' },
    spellings: ['/v1/responses', '/responses', '/openai/v1/responses', '/openai/responses'],
  },
  // Anthropic's clients put /v1/messages behind any base.
  { endpoint: { dialect: 'messages', path: '/v1/messages' }, spellings: ['/v1/messages', '/messages'] },
  {
    endpoint: { dialect: 'responses', path: '/v1/responses/input_tokens', onlyAt: true, counts: true },
    spellings: ['/v1/responses/input_tokens'],
  },
  {
    endpoint: { dialect: 'responses', path: '/v1/responses/compact', onlyAt: true },
    spellings: ['/v1/responses/compact'],
  },
  {
    endpoint: { dialect: 'messages', path: '/v1/messages/count_tokens', onlyAt: true, counts: true },
    spellings: ['/v1/messages/count_tokens', '/messages/count_tokens'],
  },
  // v1's own path stays bare upstream, as it was there.
  { endpoint: { dialect: 'completions', path: '/completions' }, spellings: ['/completions'] },
];

/** What is passed on without a decision: all else under /v1/. */
export const PASSED: readonly string[] = ['/v1/*rest'];

/** What a client is told who looks for another path. */
export const TOLD = 'POST /v1/chat/completions';
