/** Endpoints that are passed on without a decision: the model names the target. Keys, limits and budgets hold here too. */
import type { Request, Response } from 'express';
import type { Entry, Grant } from '../admit/index.ts';
import { BYTES_PER_TOKEN, type IdRewriter } from '../call/index.ts';
import type { RouterConfig, Target } from '../config/types.ts';
import { RouterError } from '../errors.ts';
import type { Held } from '../receive/index.ts';
import { RedisVisit } from '../redis/index.ts';
import type { Caller } from '../request.ts';
import { addressOf } from './address.ts';
import type { Arrival } from './arrival.ts';
import { headerValue } from './decision-headers.ts';
import { sendError, toRouterError } from './errors.ts';
import { type NamedBody, namedBody } from './passing/named-body.ts';
import { checkPath, chooseTarget, ruleFor, TARGET_HEADER } from './passing/rules.ts';
import { type Steps, searchOf } from './routed.ts';
import { deploymentOf } from './spellings.ts';

/** Name of what is not decided by a policy, in limits, budgets and usage. */
export const NO_POLICY = '';

const pathOf = ({ path }: Request) => path.replace(/(?<=.)\/$/, '');

/**
 * What is below `/v1/realtime` is plain HTTP (client secrets, calls) and passes.
 *
 * @throws RouterError invalid_request: a WebSocket's bytes are no HTTP answer that limits and budgets could follow.
 */
function refuseRealtime({ headers, path }: Request): void {
  const upgrade = String(headers.upgrade ?? '').toLowerCase();
  if (upgrade !== 'websocket' && !/^\/v1\/realtime\/?$/i.test(path.slice(0, 100))) return;
  throw new RouterError(
    'invalid_request',
    'Realtime and WebSocket connections are not served by the router; use /v1/responses or /v1/chat/completions with ' +
      'stream: true, or connect to the model itself',
  );
}

/** Where a request is passed on to, and as what. */
export interface Passing {
  readonly target: Target;
  readonly path: string;
  /** Bounded: it is a metric's label. */
  readonly rule: string;
  readonly body: NamedBody;
  /** The model that the path named; the body may name none then. */
  readonly named?: string | null;
  readonly rewriter?: IdRewriter;
}

export interface PassContext {
  readonly http: Request;
  readonly response: Response;
  readonly config: RouterConfig;
  readonly caller: Caller;
  readonly signal: AbortSignal;
  /** Keys are asked for, so what is stored under the operator's key would be shared. */
  readonly shared: boolean;
  /** Takes the caller's place; bytes of a body are held in it. */
  readonly enter: () => Promise<Held>;
}

/**
 * What to put in the place of the body's model; null: it stays, or there is none. A target's name becomes its model; a
 * model that the target was not named by, as the default target gets, is for the upstream to know.
 */
function modelFor(
  target: Target,
  inBody: string | null,
  inPath: string | null | undefined,
  bound: boolean,
): string | null {
  const named = inBody ?? inPath ?? null;
  if (named === null) return null;
  // Of a key that may use this target alone, no other model of the same account.
  if (bound || named === target.name) return target.model;
  return inBody === null ? named : null;
}

const isBound = ({ policies, targets }: Caller) => policies !== null || targets !== null;

/** Handles what no other route has taken. @param missing tells that nobody takes it */
export function passedHandler(steps: Steps, missing: (request: Request) => RouterError) {
  return passingHandler(steps, (context) => {
    refuseRealtime(context.http);
    return passByRule(context, missing);
  });
}

/** The target that a rule of the configuration names for the path. */
export async function passByRule(
  { http, response, config, caller, signal, shared, enter }: PassContext,
  missing: (request: Request) => RouterError,
): Promise<Passing> {
  const path = pathOf(http);
  const deployment = deploymentOf(response);
  checkPath(path);
  const rule = ruleFor(config, caller, path, shared);
  if (!rule) throw missing(http);
  const held = await enter();
  const named = http.headers[TARGET_HEADER];
  const possible = rule.byDefault ? [...rule.targets, rule.byDefault] : rule.targets;
  // Some clients send the file before the model; where a target's name may stand for its model, it is waited for.
  const wanted =
    (rule.targets.length > 1 && named === undefined) || possible.some((each) => each.name !== each.model);
  const body = await namedBody(http, response, config, held, signal, wanted, isBound(caller));
  const query = http.query.model;
  const model = body.model ?? deployment ?? (typeof query === 'string' ? query : null);
  const target = chooseTarget(rule, model, typeof named === 'string' ? named : null);
  return { target, path, rule: rule.name, body, named: deployment };
}

/** @param choose throws RouterError where nobody takes the request. */
export function passingHandler(steps: Steps, choose: (context: PassContext) => Promise<Passing>) {
  return async (http: Request, response: Response): Promise<void> => {
    const arrival = response.locals.arrival as Arrival;
    const address = addressOf(http);
    const span = steps.tracing.request('pass', http.headers, performance.now() - arrival.receivedAt);
    const visit = new RedisVisit(span);
    const holds: { entry?: Entry; leave?: () => void; release?: () => void } = {};
    let grant: Grant | null = null;
    let caller: Caller | null = null;
    let target: Target | null = null;
    let failure: RouterError | null = null;
    let ruleName = '';
    let textBytes = 0;
    let sent = false;
    let outcome: Awaited<ReturnType<Steps['caller']['passOn']>> | null = null;
    const config = steps.config();
    try {
      caller = await steps.authenticator().authenticate(http.headers, address, visit);
      const who = caller;
      const { tenant } = who;
      const enter = async () => {
        holds.entry = await steps.admission.enter({ caller: who, visit });
        holds.leave = await steps.gate.enter(tenant, arrival.signal);
        const held = steps.bodies.open(tenant);
        holds.release = held.release;
        return held;
      };
      const { signal } = arrival;
      const chosen = await choose({
        http,
        response,
        config,
        caller,
        signal,
        shared: !steps.authenticator().isOpen,
        enter,
      });
      const { path, body, rewriter } = chosen;
      target = chosen.target;
      ruleName = chosen.rule;
      textBytes = body.textBytes;
      holds.entry ??= await steps.admission.enter({ caller, visit });
      grant = await holds.entry.admit({
        policy: NO_POLICY,
        estimate: () => ({ promptTokens: Math.ceil(textBytes / BYTES_PER_TOKEN), answerTokens: 0 }),
      });
      const taken = await grant.admitTarget(target.name);
      if (taken instanceof RouterError) throw taken;
      const put = modelFor(target, body.model, chosen.named, isBound(caller));
      const { body: bytes, length } = body.under(put);
      sent = true;
      outcome = await steps.caller.passOn(
        target,
        {
          method: http.method,
          path,
          search: searchOf(http),
          headers: http.headers,
          body: bytes,
          length,
          usageCeiling: config.file.admission.max_reported_tokens,
          ...(rewriter && { rewriter }),
          signal,
        },
        response,
        {
          'x-request-id': arrival.id,
          ...grant.headers,
          'x-llm-router-target': headerValue(target.name),
          'x-llm-router-model': headerValue(put ?? body.model ?? target.model),
        },
      );
    } catch (raised) {
      failure = toRouterError(raised);
      if (failure.status === 500)
        http.app.locals.log?.error('internal error', { request_id: arrival.id, error: failure.cause });
      if (!response.headersSent)
        for (const [name, value] of Object.entries((grant ?? holds.entry)?.headers ?? {}))
          response.setHeader(name, value);
      sendError(response, failure);
    } finally {
      if (!grant) holds.entry?.leave();
      holds.leave?.();
      holds.release?.();
      const settled = steps.settler.settlePassed({
        id: arrival.id,
        address,
        caller,
        target,
        rule: ruleName,
        method: http.method,
        status: failure?.status ?? outcome?.status ?? 500,
        code: failure?.code ?? '',
        usage: outcome?.usage ?? null,
        answered: outcome !== null && outcome.status < 400,
        sent,
        textBytes,
        incomplete: outcome?.incomplete ?? false,
        elapsedMs: performance.now() - arrival.receivedAt,
      });
      grant?.settle(settled);
      grant?.charged();
      span.set({
        'llm_router.request_id': arrival.id,
        'http.response.status_code': outcome?.status ?? failure?.status,
      });
      span.end(failure?.code ?? null);
    }
  };
}
