/**
 * The way of one routed request: authenticate → enter (requests, place) → receive → admit (tokens) → decide → call → settle. Nothing of the
 * body is taken off the socket before the caller is known and has a place; one that is here already may be parsed before.
 */
import type { Request, Response } from 'express';
import type { Admission, Entry, Gate, Grant } from '../admit/index.ts';
import { type Authenticator, checkPolicyAllowed } from '../authenticate/index.ts';
import { speaks, spendingOf, translationHeaders, type UpstreamCaller } from '../call/index.ts';
import type { RouterConfig } from '../config/types.ts';
import type { Decider } from '../decide/index.ts';
import { PLAIN_CHAT, readerOf, translate } from '../dialects/index.ts';
import type { RouterError } from '../errors.ts';
import type { Tracing } from '../observe/index.ts';
import type { ByteBudget } from '../receive/index.ts';
import { RedisVisit } from '../redis/index.ts';
import type { ChatBody, Endpoint, RoutedRequest } from '../request.ts';
import type { Settler } from '../settle/index.ts';
import { addressOf } from './address.ts';
import type { Arrival } from './arrival.ts';
import { receiveBody, requireJson } from './body.ts';
import { countHere } from './count-here.ts';
import { decisionHeaders } from './decision-headers.ts';
import { earlierOf, goingOn } from './earlier.ts';
import { sendError, toRouterError } from './errors.ts';
import { checkBody, readRouting, withoutExtension } from './extension.ts';
import { factsFor } from './facts.ts';
import { deploymentOf } from './spellings.ts';

export interface Steps {
  /** Configuration in force now; a request keeps the one it began with. */
  readonly config: () => RouterConfig;
  readonly authenticator: () => Authenticator;
  readonly gate: Gate;
  /** Turns of previews at the classifier. */
  readonly previews: Gate;
  /** Bytes of bodies that are held. */
  readonly bodies: ByteBudget;
  readonly admission: Admission;
  readonly decider: Decider;
  readonly caller: UpstreamCaller;
  readonly settler: Settler;
  readonly tracing: Tracing;
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
    // Admission has two parts.
    request.timings[phase] = (request.timings[phase] ?? 0) + performance.now() - started;
  }
}

/** What a request holds until it has ended. */
interface Holdings {
  leave: (() => void) | null;
  bytes: (() => void) | null;
  entry: Entry | null;
  grant: Grant | null;
}

/** Handles the POST of one routed endpoint. */
export function routedHandler(steps: Steps, endpoint: Endpoint) {
  return async (http: Request, response: Response): Promise<void> => {
    const arrival = response.locals.arrival as Arrival;
    const address = addressOf(http);
    let request: RoutedRequest | null = null;
    let failure: RouterError | null = null;
    const holds: Holdings = { leave: null, bytes: null, entry: null, grant: null };
    const span = steps.tracing.request('chat', http.headers, performance.now() - arrival.receivedAt);
    const visit = new RedisVisit(span);
    try {
      const config = steps.config();
      const started = performance.now();
      const caller = await steps.authenticator().authenticate(http.headers, address, visit);
      const authenticateMs = performance.now() - started;
      requireJson(http);
      const entering = performance.now();
      holds.entry = await steps.admission.enter({ caller, visit, whole: await isHere(http) });
      holds.leave = await steps.gate.enter(caller.tenant, arrival.signal);
      const enterMs = performance.now() - entering;
      const bytes = steps.bodies.open(caller.tenant);
      holds.bytes = bytes.release;
      const receiving = performance.now();
      const raw = await receiveBody(http, response, config, bytes, arrival.signal);
      const receiveMs = performance.now() - receiving;
      checkBody(raw.value, endpoint.dialect);
      const whole = named(raw.value, response);
      const { policy, extension } = readRouting(config.table, whole, caller, http.headers);
      const own = withoutExtension(whole);
      const earlier = endpoint.dialect === 'responses' ? earlierOf(own, config, caller) : undefined;
      const view = translate(endpoint.dialect, own, PLAIN_CHAT);
      const body = view?.body ?? own;
      request = {
        ...arrival,
        span,
        visit,
        endpoint,
        path: endpoint.path,
        search: searchOf(http),
        headers: http.headers,
        address,
        config,
        raw,
        body,
        earlier,
        foreign: view ? { value: own, view } : undefined,
        extension,
        policy,
        caller,
        facts: factsFor(config, endpoint, http.headers, own, view),
        phase: 'receive',
        timings: { receive: receiveMs, authenticate: authenticateMs, admit: enterMs },
      };
      checkPolicyAllowed(caller, policy.name);
      await route(steps, request, response, holds);
    } catch (raised) {
      failure = toRouterError(await refusalOr(holds, raised));
      if (failure.status === 500)
        http.app.locals.log?.error('internal error', { request_id: arrival.id, error: failure.cause });
      for (const [name, value] of Object.entries(told(request, holds)))
        if (!response.headersSent) response.setHeader(name, value);
      sendError(response, failure);
    } finally {
      if (holds.grant) holds.grant.settle(request?.outcome);
      else holds.entry?.leave();
      holds.leave?.();
      holds.bytes?.();
      if (request) {
        const { grant } = holds;
        steps.settler.settle(
          request,
          failure,
          (usage) => grant?.recount(usage),
          () => grant?.charged(),
        );
      } else {
        steps.settler.refuse(arrival.id, address, failure!, performance.now() - arrival.receivedAt);
        span.set({ 'llm_router.request_id': arrival.id, 'http.response.status_code': failure!.status });
        span.end(failure!.code);
      }
    }
  };
}

/** A body of so many bytes may have come with the request's head. */
const SMALL_BYTES = 32 * 1024;

/** Whether all of the body came with the request's head, so that it is held, and small, whether it is read or not. */
async function isHere(request: Request): Promise<boolean> {
  const { 'content-length': length, 'content-encoding': coding } = request.headers;
  if (coding !== undefined || !(Number(length) <= SMALL_BYTES)) return false;
  // Node tells of the head before it looks at what came with it.
  if (!request.complete) await new Promise((resolve) => setImmediate(resolve));
  return request.complete;
}

/** What a request has failed with: no room for it, where that was still to be asked, else what was raised. */
async function refusalOr({ entry, grant }: Holdings, raised: unknown): Promise<unknown> {
  if (grant) return raised;
  try {
    await entry?.count();
    return raised;
  } catch (refusal) {
    return refusal;
  }
}

/** Azure's clients name the model in the path. */
function named(body: ChatBody, response: Response): ChatBody {
  const deployment = deploymentOf(response);
  return deployment !== null && body.model === undefined ? { ...body, model: deployment } : body;
}

export function searchOf({ originalUrl }: Request): string {
  const at = originalUrl.indexOf('?');
  return at < 0 ? '' : originalUrl.slice(at);
}

/** Headers that an error of the router's own carries too. */
function told(request: RoutedRequest | null, { entry, grant }: Holdings): Record<string, string> {
  return { ...(grant ?? entry)?.headers, ...(request?.decision && decisionHeaders(request.decision, null)) };
}

async function route(
  steps: Steps,
  request: RoutedRequest,
  response: Response,
  holds: Holdings,
): Promise<void> {
  // Who will be admitted as far as anybody can tell is classified meanwhile: one wait for both answers.
  const ahead = holds.entry!.likely ? steps.decider.begin(request) : undefined;
  const grant = await timed(request, 'admit', async () => {
    holds.grant = await holds.entry!.admit({
      policy: request.policy.name,
      estimate: () => spendingOf(request.body, request.raw.bytes.length, request.config.file.admission.media),
    });
    return holds.grant;
  });
  request.decision = await timed(request, 'decide', async () =>
    goingOn(await steps.decider.decide(request, ahead), request.earlier),
  );
  const { decision } = request;
  if (request.endpoint.counts && !decision.targets.some((target) => speaks(target, request))) {
    await countHere(steps.settler, request, response, {
      'x-request-id': request.id,
      ...grant.headers,
      ...decisionHeaders(decision, null),
    });
    return;
  }
  request.outcome = await timed(request, 'call', () =>
    steps.caller.call(request, response, {
      answers: readerOf(request.endpoint),
      headers: (target) => ({
        'x-request-id': request.id,
        // Anthropic's SDKs read theirs.
        ...(request.endpoint.dialect === 'messages' && { 'request-id': request.id }),
        ...grant.headers,
        ...decisionHeaders(decision, target),
        ...translationHeaders(target, request),
      }),
      admitTarget: ({ name }) => grant.admitTarget(name),
    }),
  );
  await steps.decider.noteOutcome(request);
  await request.upstreamEnds;
}
