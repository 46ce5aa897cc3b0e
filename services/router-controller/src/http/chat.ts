/** The way of one request: authenticate → admit → decide → call → settle. */
import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Admission, Estimate, Gate, Grant } from '../admit/index.ts';
import { type Authenticator, checkPolicyAllowed } from '../authenticate/index.ts';
import { needsOf, type UpstreamCaller } from '../call/index.ts';
import type { RouterConfig } from '../config/types.ts';
import type { Decider } from '../decide/index.ts';
import { RouterError } from '../errors.ts';
import type { Tracing } from '../observe/index.ts';
import { RedisVisit } from '../redis/index.ts';
import type { ChatBody, RoutedRequest } from '../request.ts';
import type { Settler } from '../settle/index.ts';
import { addressOf } from './address.ts';
import { decisionHeaders } from './decision-headers.ts';
import { sendError, toRouterError } from './errors.ts';
import { checkBody, EXTENSION, readRouting } from './extension.ts';

export interface Steps {
  /** Configuration in force now; a request keeps the one it began with. */
  readonly config: () => RouterConfig;
  readonly authenticator: () => Authenticator;
  readonly gate: Gate;
  readonly admission: Admission;
  readonly decider: Decider;
  readonly caller: UpstreamCaller;
  readonly settler: Settler;
  readonly tracing: Tracing;
}

/** What the first middleware notes of a request before its body is read. */
export interface Arrival {
  readonly id: string;
  readonly receivedAt: number;
  readonly signal: AbortSignal;
}

const ID = /^[\x21-\x7e]{1,128}$/;

/** Requests that the router may have to give up of itself. */
export class Arrivals {
  readonly #open = new Set<AbortController>();

  get size(): number {
    return this.#open.size;
  }

  add(controller: AbortController): () => void {
    this.#open.add(controller);
    return () => this.#open.delete(controller);
  }

  /** Ends all that is under way with this error: a 503, or the last event of a stream that has begun. */
  giveUp(error: RouterError): void {
    for (const controller of [...this.#open]) controller.abort(error);
  }
}

/** Notes arrival, names the request, and turns the client's leaving into a signal. */
export function arrive(request: Request, response: Response, arrivals: Arrivals): Arrival {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && ID.test(given) ? given : `req_${randomUUID()}`;
  const controller = new AbortController();
  const ended = arrivals.add(controller);
  response.once('close', () => {
    ended();
    if (!response.writableFinished) controller.abort(new Error('the client closed the connection'));
  });
  controller.signal.addEventListener('abort', () => {
    // While the body is still being received nobody else can answer.
    const { reason } = controller.signal;
    if (reason instanceof RouterError && !request.complete) sendError(response, reason);
  });
  response.setHeader('x-request-id', id);
  const arrival = { id, receivedAt: performance.now(), signal: controller.signal };
  response.locals.arrival = arrival;
  return arrival;
}

async function timed<T>(
  request: RoutedRequest,
  phase: 'authenticate' | 'admit' | 'decide' | 'call',
  run: () => T | Promise<T>,
): Promise<T> {
  request.phase = phase;
  const started = performance.now();
  try {
    return await run();
  } finally {
    request.timings[phase] = performance.now() - started;
  }
}

/** Handles POST /v1/chat/completions, and v1's POST /completions. */
export function chatHandler(steps: Steps) {
  return async (http: Request, response: Response): Promise<void> => {
    const arrival = response.locals.arrival as Arrival;
    const address = addressOf(http);
    let request: RoutedRequest | null = null;
    let failure: RouterError | null = null;
    let leave: (() => void) | null = null;
    let grant: Grant | null = null;
    const span = steps.tracing.request('chat', http.headers, performance.now() - arrival.receivedAt);
    const visit = new RedisVisit(span);
    try {
      const config = steps.config();
      const started = performance.now();
      const receiveMs = started - arrival.receivedAt;
      const caller = await steps.authenticator().authenticate(http.headers, address, visit);
      const authenticateMs = performance.now() - started;
      checkBody(http.body, http.path.endsWith('/completions') && !http.path.endsWith('/chat/completions'));
      const { policy, extension } = readRouting(config.table, http.body, caller);
      const { [EXTENSION]: _stripped, ...body } = http.body as ChatBody;
      request = {
        ...arrival,
        span,
        visit,
        path: http.path,
        headers: http.headers,
        address,
        config,
        body,
        bodyBytes: Number(response.locals.bodyBytes ?? 0),
        extension,
        policy,
        caller,
        phase: 'authenticate',
        timings: { receive: receiveMs, authenticate: authenticateMs },
      };
      checkPolicyAllowed(caller, policy.name);
      await route(steps, request, response, (held) => {
        leave = held.leave ?? leave;
        grant = held.grant ?? grant;
      });
    } catch (raised) {
      failure = toRouterError(raised);
      if (failure.status === 500)
        http.app.locals.log?.error('internal error', { request_id: arrival.id, error: failure.cause });
      for (const [name, value] of Object.entries(told(request, grant)))
        if (!response.headersSent) response.setHeader(name, value);
      sendError(response, failure);
    } finally {
      (grant as Grant | null)?.settle(request?.outcome);
      (leave as (() => void) | null)?.();
      if (request) steps.settler.settle(request, failure, (usage) => (grant as Grant | null)?.recount(usage));
      else {
        steps.settler.refuse(arrival.id, address, failure!, performance.now() - arrival.receivedAt);
        span.set({ 'llm_router.request_id': arrival.id, 'http.response.status_code': failure!.status });
        span.end(failure!.code);
      }
    }
  };
}

/** Headers that an error of the router's own carries too. */
function told(request: RoutedRequest | null, grant: Grant | null): Record<string, string> {
  return { ...grant?.headers, ...(request?.decision && decisionHeaders(request.decision, null)) };
}

/** Prompt and answer in tokens, as far as the request tells. */
function estimateOf(body: ChatBody): Estimate {
  const { prompt_tokens, answer_tokens } = needsOf(body);
  const choices = typeof body.n === 'number' && body.n > 1 ? Math.floor(body.n) : 1;
  return { promptTokens: prompt_tokens, answerTokens: answer_tokens === 0 ? null : answer_tokens * choices };
}

async function route(
  steps: Steps,
  request: RoutedRequest,
  response: Response,
  hold: (held: { leave?: () => void; grant?: Grant }) => void,
): Promise<void> {
  const grant = await timed(request, 'admit', async () => {
    const { caller, policy, signal, visit } = request;
    const given = await steps.admission.admit({
      ...(visit && { visit }),
      caller,
      policy: policy.name,
      estimate: () => estimateOf(request.body),
    });
    hold({ grant: given });
    hold({ leave: await steps.gate.enter(caller.tenant, signal) });
    return given;
  });
  request.decision = await timed(request, 'decide', () => steps.decider.decide(request));
  const decision = request.decision;
  request.outcome = await timed(request, 'call', () =>
    steps.caller.call(request, response, {
      headers: (target) => ({
        'x-request-id': request.id,
        ...grant.headers,
        ...decisionHeaders(decision, target),
      }),
      admitTarget: ({ name }) => grant.admitTarget(name),
    }),
  );
  await steps.decider.noteOutcome(request);
}
