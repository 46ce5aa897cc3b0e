/** POST /v1/route: the decision without the call, for one request or a list. */
import type { Request, Response } from 'express';
import { checkPolicyAllowed } from '../authenticate/index.ts';
import type { Policy } from '../config/types.ts';
import { PLAIN_CHAT, translate } from '../dialects/index.ts';
import { RouterError } from '../errors.ts';
import { RedisVisit } from '../redis/index.ts';
import type { ChatBody, Decision, Dialect, Earlier, RouterExtension } from '../request.ts';
import { toldValue } from '../settle/index.ts';
import type { RequestFacts } from '../understand/index.ts';
import { addressOf } from './address.ts';
import type { Arrival } from './arrival.ts';
import { receiveBody, requireJson } from './body.ts';
import { earlierOf, goingOn } from './earlier.ts';
import { checkBody, readRouting, withoutExtension } from './extension.ts';
import { factsFor } from './facts.ts';
import type { Steps } from './routed.ts';

/** Most requests in one list. */
const MAX_LIST = 256;

/** Features by the names that rules use. */
function toldFeatures({ features, languageOf, evidence }: RequestFacts): object {
  const { toolCount, toolResultLast, answerTokens, userAgent, sideRequest, ...rest } = features;
  return {
    ...rest,
    ...languageOf(),
    tool_count: toolCount,
    tool_result_last: toolResultLast,
    answer_tokens: answerTokens,
    user_agent: userAgent,
    side_request: sideRequest,
    evidence,
  };
}

function tell(decision: Decision, facts: RequestFacts, extension: RouterExtension): object {
  const { ask, turn } = facts;
  const first = decision.targets[0]!;
  return {
    policy: decision.policy.name,
    entry: decision.entry.name,
    label: decision.label,
    confidence: decision.confidence,
    scores: decision.scores,
    extra_scores: decision.extraScores,
    reason: decision.reason,
    rule: decision.rule ?? null,
    cached: decision.cached,
    target: first.name,
    model: first.model,
    fallbacks: decision.targets.slice(1).map((target) => target.name),
    passed_over: (decision.passedOver ?? []).map(({ target, why }) => ({ target: target.name, why })),
    extra_body: decision.bodyPatch ?? null,
    model_version: decision.modelVersion,
    tokens: decision.tokenCount,
    truncated: decision.truncated,
    text_chars: { sent: ask.text.length, whole: ask.chars },
    ask: { text: ask.text, source: ask.source, cut: ask.cut, evidence: ask.evidence ?? null },
    features: toldFeatures(facts),
    turn: {
      kind: turn.kind,
      human_turns: turn.humanTurns,
      messages: turn.messages,
      leans: turn.leans,
      closes: turn.closes,
      second_look: decision.secondLook ?? false,
    },
    value: decision.weighed ? toldValue(decision.weighed, extension.choose != null) : null,
    conversation: decision.stay?.key ?? null,
    stay: decision.stay?.event ?? null,
    ms: Math.round(decision.classifyMs * 1000) / 1000,
  };
}

/** The endpoint that a body is for, by its shape. */
function dialectOf(body: Partial<ChatBody> | null | undefined): Dialect {
  if (body?.messages === undefined && body?.prompt !== undefined) return 'completions';
  if (body?.messages === undefined && body?.input !== undefined) return 'responses';
  return body?.system !== undefined || isAnthropicTool(body?.tools) ? 'messages' : 'chat';
}

const isAnthropicTool = (tools: unknown) =>
  Array.isArray(tools) &&
  tools.some((tool) => typeof tool === 'object' && tool !== null && 'input_schema' in tool);

const PATHS: Readonly<Record<Dialect, string>> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  responses: '/v1/responses',
  messages: '/v1/messages',
};

/** A request of a list that is right as far as its own words go. */
interface Item {
  readonly body: ChatBody;
  readonly policy: Policy;
  readonly extension: RouterExtension;
  readonly facts: RequestFacts;
  readonly earlier: Earlier | undefined;
}

export function routeHandler({ authenticator, config, decider, gate, bodies, admission, previews }: Steps) {
  return async (request: Request, response: Response): Promise<void> => {
    const visit = new RedisVisit();
    const address = addressOf(request);
    const caller = await authenticator().authenticate(request.headers, address, visit);
    requireJson(request);
    const { signal, id } = response.locals.arrival as Arrival;
    const inForce = config();
    const { headers } = request;
    const entry = await admission.enter({ caller, visit, spends: false });
    response.set(entry.headers);
    let leave: (() => void) | null = null;
    let release: (() => void) | null = null;
    const read = (item: unknown): Item => {
      const dialect = dialectOf(item as ChatBody | null);
      checkBody(item, dialect);
      const { policy, extension } = readRouting(inForce.table, item, caller, headers);
      checkPolicyAllowed(caller, policy.name);
      const body = withoutExtension(item);
      const earlier = dialect === 'responses' ? earlierOf(body, inForce, caller) : undefined;
      const view = translate(dialect, body, PLAIN_CHAT);
      const facts = factsFor(inForce, { dialect, path: PATHS[dialect] }, headers, body, view);
      return { body, policy, extension, facts, earlier };
    };
    const decide = async ({ policy, extension, facts, earlier }: Item): Promise<object> => {
      // Tenants in turn: a list of new prompts must not push others' requests past their deadline.
      const done = await previews.enter(caller.tenant, signal);
      try {
        const decided = await decider.decideInput({
          id,
          config: inForce,
          policy,
          facts,
          headers,
          extension,
          caller,
          address,
          signal,
          visit,
        });
        return tell(goingOn(decided, earlier), facts, extension);
      } finally {
        done();
      }
    };
    try {
      leave = await gate.enter(caller.tenant, signal);
      const held = bodies.open(caller.tenant);
      release = held.release;
      const { value } = await receiveBody(request, response, inForce, held, signal);
      const list = Array.isArray(value);
      const items = (list ? checked(value) : [value]).map((item) => attempted(() => read(item)));
      const [only] = items;
      if (!list && only instanceof RouterError) throw only;
      await entry.admitList(items.length, countPolicies(items));
      if (!list) response.json(await decide(only as Item));
      else response.json(await Promise.all(items.map((item) => toldOf(item, decide))));
    } finally {
      release?.();
      leave?.();
      entry.leave();
    }
  };
}

function checked(items: readonly unknown[]): readonly unknown[] {
  if (items.length <= MAX_LIST) return items;
  throw new RouterError('invalid_request', `A list may hold ${MAX_LIST} requests, not ${items.length}`);
}

function attempted<T>(run: () => T): T | RouterError {
  try {
    return run();
  } catch (error) {
    if (error instanceof RouterError) return error;
    throw error;
  }
}

function countPolicies(items: readonly (Item | RouterError)[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items)
    if (!(item instanceof RouterError)) counts.set(item.policy.name, (counts.get(item.policy.name) ?? 0) + 1);
  return counts;
}

/** An item's answer or its error. */
async function toldOf(item: Item | RouterError, decide: (item: Item) => Promise<object>): Promise<object> {
  if (item instanceof RouterError) return item.toBody();
  try {
    return await decide(item);
  } catch (error) {
    if (error instanceof RouterError) return error.toBody();
    throw error;
  }
}
