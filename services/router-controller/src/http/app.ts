/** The express app: routes, nothing else. */
import express, { type Express, type Request, type Response } from 'express';
import { publicConfig } from '../config/index.ts';
import { RouterError } from '../errors.ts';
import type { Ledger } from '../ledger/index.ts';
import { Exposition, type Logger, type Metrics } from '../observe/index.ts';
import { RedisVisit } from '../redis/index.ts';
import { addressOf, trustProxies } from './address.ts';
import { type Arrival, type Arrivals, arrive, chatHandler, type Steps } from './chat.ts';
import { errorHandler, toRouterError } from './errors.ts';
import { AUTO } from './extension.ts';
import { routeHandler } from './route-preview.ts';
import { usageHandler } from './usage.ts';

export interface AppDeps extends Steps {
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** True from SIGTERM on: balancers are to look elsewhere, and connections end with their next answer. */
  readonly draining: () => boolean;
  /** False once balancers had their time to notice. */
  readonly accepting: () => boolean;
  readonly arrivals: Arrivals;
}

const CHAT_PATHS = ['/v1/chat/completions', '/chat/completions', '/completions', '/v1/completions'];
/** `created` of the virtual models: they came with the process. */
const CREATED = Math.floor(Date.now() / 1000);

function methodNotAllowed(allowed: string) {
  return (request: Request, response: Response) => {
    response.setHeader('allow', allowed);
    throw new RouterError(
      'method_not_allowed',
      `${request.method} is not allowed on ${request.path}; use ${allowed}`,
    );
  };
}

/** Models as clients may name them: every policy, `auto`, then the models of the default policy. */
function models({ config }: Steps): object {
  const { policies, defaultPolicy } = config().table;
  const ids = [...policies.keys(), ...(defaultPolicy === null ? [] : [AUTO])];
  const byDefault = defaultPolicy === null ? undefined : policies.get(defaultPolicy);
  const upstream = [...(byDefault?.entries.values() ?? [])].flatMap((entry) =>
    entry.routes.map(({ target }) => target.model),
  );
  const model = (id: string, owned_by: string) => ({ id, object: 'model', created: CREATED, owned_by });
  return {
    object: 'list',
    data: [
      ...ids.map((id) => model(id, 'llm-router')),
      ...[...new Set(upstream)].map((id) => model(id, 'upstream')),
    ],
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
  const exposition = new Exposition(deps.metrics.registry);
  app.get('/metrics', async (_request, response) => {
    response.set('content-type', exposition.contentType).end(await exposition.text());
  });

  app.use((request, response, next) => {
    arrive(request, response, deps.arrivals);
    if (deps.draining()) response.setHeader('connection', 'close');
    if (!deps.accepting()) {
      throw new RouterError('shutting_down', 'This replica is stopping; try again', {
        headers: { 'retry-after': '1' },
      });
    }
    next();
  });
  const authenticated = async (request: Request, response: Response, next: () => void) => {
    const visit = new RedisVisit();
    response.locals.visit = visit;
    await deps.authenticator().authenticate(request.headers, addressOf(request), visit);
    next();
  };
  app.get('/v1/models', authenticated, (_request, response) => {
    response.json(models(deps));
  });
  app.get('/config', authenticated, (_request, response) => {
    response.json(publicConfig(deps.config()));
  });

  app.get('/v1/usage', usageHandler(deps));

  const parse = [
    requireJson,
    express.json({
      limit: deps.config().file.server.body_limit_bytes,
      strict: false,
      verify: noteSize,
      type: () => true,
    }),
  ];
  app.post(CHAT_PATHS, parse, chatHandler(deps));
  app.post('/v1/route', authenticated, parse, routeHandler(deps));
  app.all([...CHAT_PATHS, '/v1/route'], methodNotAllowed('POST'));
  app.all(
    ['/v1/models', '/v1/usage', '/config', '/health', '/livez', '/readyz', '/metrics'],
    methodNotAllowed('GET'),
  );
  app.use((request: Request) => {
    throw new RouterError(
      'not_found',
      `No such path: ${request.method} ${request.path}. The chat endpoint is POST /v1/chat/completions`,
    );
  });

  // A chat request that fails before its handler (body too large, bad JSON) is settled here, so that each counts once.
  app.use((raised: unknown, request: Request, response: Response, next: (error: unknown) => void) => {
    const arrival = response.locals.arrival as Arrival | undefined;
    if (arrival && CHAT_PATHS.includes(request.path)) {
      const elapsed = performance.now() - arrival.receivedAt;
      deps.settler.refuse(arrival.id, addressOf(request), toRouterError(raised), elapsed);
    }
    next(raised);
  });
  app.use(errorHandler(deps.log));
  return app;
}

/** A web page may send other content types across origins without asking, to a router that trusts its loopback. */
function requireJson(request: Request, _response: Response, next: () => void): void {
  const type = String(request.headers['content-type'] ?? '');
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new RouterError(
      'unsupported_media_type',
      `content-type must be application/json, not ${type === '' ? 'absent' : `'${type}'`}`,
    );
  }
  next();
}

function noteSize(_request: unknown, response: unknown, buffer: Buffer): void {
  (response as Response).locals.bodyBytes = buffer.length;
}
