/** Lets web pages of listed origins call the router from a browser; by default none. */
import type { Request, RequestHandler, Response } from 'express';

/** Headers of an answer that a page may read. */
const EXPOSED =
  'x-request-id, x-chosen-classifier, x-llm-router-policy, x-llm-router-label, x-llm-router-confidence, x-llm-router-model, ' +
  'x-llm-router-reason, x-llm-router-quality, x-llm-router-cost-estimate-usd, x-llm-router-cost-best-usd, ' +
  'x-llm-router-target, x-llm-router-translated, x-llm-router-dropped, x-llm-router-counted-by, request-id, x-ratelimit-limit-requests, x-ratelimit-limit-tokens, ' +
  'x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens, retry-after';
/** How long a browser remembers the answer to its preflight, seconds. */
const MAX_AGE = 600;
/** Names of request headers that are echoed to a preflight. */
const HEADER_LIST = /^[\w-]{1,64}(?:\s?,\s?[\w-]{1,64}){0,63}$/;

/**
 * Answers preflights and marks answers, for origins on the list. For all others it does nothing, so that a browser keeps
 * the answer from the page.
 *
 * @param origins in force now; `*` is any (the configuration allows it only where keys are asked for).
 * @example
 * app.use(cors(() => ['https://chat.example.com']));
 */
export function cors(origins: () => readonly string[]): RequestHandler {
  return (request, response, next) => {
    const { origin } = request.headers;
    const allowed = origins();
    if (allowed.length > 0) response.vary('origin');
    if (typeof origin !== 'string' || !(allowed.includes(origin) || allowed.includes('*'))) {
      next();
      return;
    }
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', EXPOSED);
    if (isPreflight(request)) preflight(request, response);
    else next();
  };
}

const isPreflight = ({ method, headers }: Request) =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;

function preflight(request: Request, response: Response): void {
  const wanted = String(request.headers['access-control-request-headers'] ?? '').slice(0, 4096);
  response.setHeader('access-control-allow-methods', 'GET, POST, DELETE, PUT, PATCH, HEAD');
  if (HEADER_LIST.test(wanted)) response.setHeader('access-control-allow-headers', wanted);
  response.setHeader('access-control-max-age', String(MAX_AGE));
  response.status(204).end();
}
