/** POST /v1/route: the decision without the call, for one request or a list. */
import type { Request, Response } from 'express';
import { checkPolicyAllowed } from '../authenticate/index.ts';
import { promptText } from '../decide/index.ts';
import { RouterError } from '../errors.ts';
import { RedisVisit } from '../redis/index.ts';
import type { ChatBody, Decision } from '../request.ts';
import { addressOf } from './address.ts';
import type { Arrival } from './arrival.ts';
import { receiveBody, requireJson } from './body.ts';
import { checkBody, readRouting } from './extension.ts';
import type { Steps } from './routed.ts';

/** Most requests in one list. */
const MAX_LIST = 256;

function tell(decision: Decision, chars: { sent: number; whole: number }): object {
  return {
    policy: decision.policy.name,
    entry: decision.entry.name,
    label: decision.label,
    confidence: decision.confidence,
    scores: decision.scores,
    extra_scores: decision.extraScores,
    reason: decision.reason,
    cached: decision.cached,
    target: decision.targets[0]!.name,
    model: decision.targets[0]!.model,
    fallbacks: decision.targets.slice(1).map((target) => target.name),
    model_version: decision.modelVersion,
    tokens: decision.tokenCount,
    truncated: decision.truncated,
    text_chars: chars,
    ms: Math.round(decision.classifyMs * 1000) / 1000,
  };
}

/** `{"prompt": "…"}` is short for one user message. */
function asChat(item: unknown): ChatBody {
  const body = item as ChatBody | null;
  if (
    body !== null &&
    typeof body === 'object' &&
    body.messages === undefined &&
    typeof body.prompt === 'string'
  ) {
    const { prompt, ...rest } = body;
    return { ...rest, messages: [{ role: 'user', content: prompt }] };
  }
  checkBody(body, 'chat');
  return body;
}

export function routeHandler({ authenticator, config, decider, gate, bodies }: Steps) {
  return async (request: Request, response: Response): Promise<void> => {
    const visit = new RedisVisit();
    const caller = await authenticator().authenticate(request.headers, addressOf(request), visit);
    requireJson(request);
    const { signal } = response.locals.arrival as Arrival;
    const inForce = config();
    const leave = await gate.enter(caller.tenant, signal);
    const held = bodies.open(caller.tenant);
    try {
      const { value } = await receiveBody(request, response, inForce, held, signal);
      const one = async (item: unknown): Promise<object> => {
        const body = asChat(item);
        const { policy, extension } = readRouting(inForce.table, body, caller);
        checkPolicyAllowed(caller, policy.name);
        const text = promptText(body, inForce.file.prompt);
        const decision = await decider.decideInput({
          ...extension,
          config: inForce,
          policy,
          body,
          allowedTargets: caller.targets,
          tenant: caller.tenant,
          conversation: null,
          signal,
          visit,
        });
        return tell(decision, { sent: text.text.length, whole: text.chars });
      };
      response.json(Array.isArray(value) ? await all(value, one) : await one(value));
    } finally {
      held.release();
      leave();
    }
  };
}

/** Each item's answer or its error, in order. */
async function all(items: readonly unknown[], one: (item: unknown) => Promise<object>): Promise<object[]> {
  if (items.length > MAX_LIST) {
    throw new RouterError('invalid_request', `A list may hold ${MAX_LIST} requests, not ${items.length}`);
  }
  return Promise.all(
    items.map((item) =>
      one(item).catch((error: unknown) => {
        if (error instanceof RouterError) return error.toBody();
        throw error;
      }),
    ),
  );
}
