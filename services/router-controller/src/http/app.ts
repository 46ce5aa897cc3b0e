/** The express app: routes, nothing else. */
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { ANONYMOUS } from '../authenticate/index.ts';
import { echo } from '../echo.ts';
import { RouterError } from '../errors.ts';
import type { Ledger } from '../ledger/index.ts';
import { Exposition, type Logger, type Metrics } from '../observe/index.ts';
import { RedisVisit } from '../redis/index.ts';
import type { Caller } from '../request.ts';
import type { Feedback } from '../settle/index.ts';
import { VERSION } from '../version.ts';
import { addressOf, trustProxies } from './address.ts';
import { type Arrival, type Arrivals, arrive } from './arrival.ts';
import { cors } from './cors.ts';
import { PASSED, ROUTED, TOLD } from './endpoints.ts';
import { errorHandler, toRouterError } from './errors.ts';
import { feedbackHandler } from './feedback.ts';
import { hosts } from './hosts.ts';
import { isOurs, sendModel, sendModels } from './models.ts';
import { openApi } from './openapi/document.ts';
import { openApiPage } from './openapi/page.ts';
import { passedHandler } from './passed.ts';
import { protect } from './protect.ts';
import { publicConfig } from './public-config.ts';
import { BY_ID, responseHandler } from './responses.ts';
import { routeHandler } from './route-preview.ts';
import { routedHandler, type Steps } from './routed.ts';
import { spellings } from './spellings.ts';
import { usageHandler } from './usage.ts';

export interface AppDeps extends Steps {
  readonly ledger: Ledger;
  readonly feedback: Feedback;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** The text of /metrics; default: that of these metrics. */
  readonly page?: () => Promise<string>;
  /** True from SIGTERM on: balancers are to look elsewhere, and connections end with their next answer. */
  readonly draining: () => boolean;
  /** False once balancers had their time to notice. */
  readonly accepting: () => boolean;
  readonly arrivals: Arrivals;
}

/** The page of the API has a style and nothing else. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function methodNotAllowed(allowed: string) {
  return (request: Request, response: Response) => {
    response.setHeader('allow', allowed);
    throw new RouterError(
      'method_not_allowed',
      `${request.method} is not allowed on ${request.path.slice(0, 200)}; use ${allowed}`,
    );
  };
}

/** Several steps as one for express, to whom each of its own costs as much as what these do. */
function inOneStep(...steps: readonly RequestHandler[]): RequestHandler {
  return (request, response, next) => {
    let at = 0;
    const go = (error?: unknown): void => {
      const step = steps[at++];
      if (error !== undefined || !step) next(error);
      else void step(request, response, go);
    };
    go();
  };
}

/** Parts of readiness: a classifier that is away is `degraded` where the policy has a fallback, else `missing`. */
function readiness({ config, decider, draining }: AppDeps): { ready: boolean; body: object } {
  const status = decider.status();
  const parts = [...config().table.policies.values()].map((policy) => {
    const { ready, problem, positional } = status[policy.name]!;
    const fallback = policy.fallback !== null || config().file.classifier.heuristic;
    return {
      policy: policy.name,
      classifier: ready ? 'ready' : fallback ? 'degraded' : 'missing',
      ...(problem && { problem }),
      ...(positional && { labels: 'by position: the model publishes none' }),
    };
  });
  // One policy without its classifier must not take the other policies out of service.
  const ready = !draining() && parts.some((part) => part.classifier !== 'missing');
  const whole = parts.every((part) => part.classifier === 'ready');
  return {
    ready,
    body: { status: !ready ? 'not ready' : whole ? 'ready' : 'degraded', stopping: draining(), parts },
  };
}

export function createApp(deps: AppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.locals.log = deps.log;
  protect(app);
  trustProxies(app, () => deps.config().file.server.trusted_proxies);

  app.get('/health', (_request, response) => {
    response.json({ status: 'OK' });
  });
  app.get('/livez', (_request, response) => {
    response.json({ status: 'ok' });
  });
  app.get('/readyz', (_request, response) => {
    const { ready, body } = readiness(deps);
    response.status(ready ? 200 : 503).json(body);
  });
  app.use(hosts(() => (deps.authenticator().isOpen ? deps.config().file.server : null)));
  const exposition = new Exposition(deps.metrics.registry);
  const page = deps.page ?? (() => exposition.text());
  app.get('/metrics', async (_request, response) => {
    response.set('content-type', exposition.contentType).end(await page());
  });

  const oneSlash: RequestHandler = (request, _response, next) => {
    // A base URL with a slash at its end makes `//v1/…`; every handler asks for the key, so nothing is passed by.
    if (request.url.startsWith('//')) request.url = request.url.replace(/^\/+/, '/');
    next();
  };
  const arrived: RequestHandler = (request, response, next) => {
    arrive(request, response, deps.arrivals);
    // A connection that asked for another protocol serves no further request, and would hold up a stop.
    if (deps.draining() || request.headers.upgrade !== undefined) response.setHeader('connection', 'close');
    if (!deps.accepting()) {
      throw new RouterError('shutting_down', 'This replica is stopping; try again', {
        headers: { 'retry-after': '1' },
      });
    }
    next();
  };
  app.use(
    inOneStep(
      cors(() => deps.config().file.server.cors_origins),
      oneSlash,
      spellings,
      arrived,
    ),
  );
  // First, because each path that is compared before costs every request.
  for (const { endpoint, spellings } of ROUTED) app.post([...spellings], routedHandler(deps, endpoint));
  const authenticated = async (request: Request, response: Response, next: () => void) => {
    const visit = new RedisVisit();
    response.locals.visit = visit;
    const caller = await deps.authenticator().authenticate(request.headers, addressOf(request), visit);
    response.locals.caller = caller;
    // It costs little, and is asked for in earnest by nobody a thousand times a minute.
    const entry = await deps.admission.enter({ caller, visit, spends: false });
    if (response.closed) entry.leave();
    else response.once('close', entry.leave);
    response.set(entry.headers);
    next();
  };
  const callerOf = ({ locals }: Response) => locals.caller as Caller;
  app.get(['/v1/models', '/models'], authenticated, (_request, response) => {
    sendModels(deps.config(), callerOf(response), response);
  });
  // What is none of the router's names may be one of the default target's account.
  const ours = (request: Request, _response: Response, next: (skip?: 'route') => void) =>
    next(isOurs(deps.config(), request) ? undefined : 'route');
  app.get(['/v1/models/*id', '/models/*id'], ours, authenticated, (request, response) => {
    sendModel(deps.config(), callerOf(response), request, response);
  });
  app.get('/config', authenticated, (_request, response) => {
    const caller = callerOf(response);
    response.json(publicConfig(deps.config(), caller, caller === ANONYMOUS));
  });

  app.get('/v1/usage', authenticated, usageHandler(deps));
  app.get('/openapi.json', (_request, response) => {
    response.json(openApi(VERSION));
  });
  app.get('/docs', (_request, response) => {
    response.set('content-security-policy', PAGE_POLICY).type('html').send(openApiPage(VERSION));
  });

  for (const { method, path, below } of BY_ID) app[method](path, responseHandler(deps, below));
  app.post('/v1/route', routeHandler(deps));
  app.post('/v1/feedback', feedbackHandler(deps, deps.feedback));
  app.all(['/v1/route', '/v1/feedback'], methodNotAllowed('POST'));
  app.all(
    ['/v1/usage', '/config', '/openapi.json', '/docs', '/health', '/livez', '/readyz', '/metrics'],
    methodNotAllowed('GET'),
  );
  app.all([...PASSED], passedHandler(deps, missing));
  app.use((request: Request) => {
    throw missing(request);
  });

  // A routed request that fails before its handler (the router is stopping) is settled here, so that each counts once.
  app.use((raised: unknown, request: Request, response: Response, next: (error: unknown) => void) => {
    const arrival = response.locals.arrival as Arrival | undefined;
    if (arrival && isRouted(request)) {
      const elapsed = performance.now() - arrival.receivedAt;
      deps.settler.refuse(arrival.id, addressOf(request), toRouterError(raised), elapsed);
    }
    next(raised);
  });
  app.use(errorHandler(deps.log));
  return app;
}

/** What a client is told when nobody takes its request. */
function missing(request: Request): RouterError {
  const path = echo(request.path);
  const read = isModels(request) ? 'GET' : pathIsRouted(request) ? 'POST' : null;
  if (read !== null && request.method !== read) {
    return new RouterError('method_not_allowed', `${request.method} is not allowed on ${path}; use ${read}`, {
      headers: { allow: read },
    });
  }
  return new RouterError(
    'not_found',
    `No such path: ${request.method} ${path}. The chat endpoint is ${TOLD}; other paths under /v1/ are passed on where a ` +
      'target lists them (targets[].passes, passthrough.default_target)',
  );
}

const isModels = ({ path }: Request) => /^(?:\/v1)?\/models(?:\/|$)/i.test(path.slice(0, 300));

const ROUTED_PATHS = new Set(ROUTED.flatMap(({ spellings }) => spellings));

const pathIsRouted = ({ path }: Request) => ROUTED_PATHS.has(path.toLowerCase().replace(/(?<=.)\/$/, ''));

const isRouted = (request: Request) => request.method === 'POST' && pathIsRouted(request);
