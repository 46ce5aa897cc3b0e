/** POST /v1/feedback: how good an answer was, by the id that it carried. */
import type { Request, Response } from 'express';
import { hint } from '../config/problems.ts';
import { echo } from '../echo.ts';
import { RouterError } from '../errors.ts';
import { receiveJson } from '../receive/index.ts';
import { RedisVisit } from '../redis/index.ts';
import { type Feedback, type FeedbackSource, type Scored, SOURCES } from '../settle/index.ts';
import { addressOf } from './address.ts';
import type { Arrival } from './arrival.ts';
import { boundsOf, invite, requireJson } from './body.ts';
import type { Steps } from './routed.ts';

/** A score is short. */
const MOST_BYTES = 4_096;
const FIELDS = ['request_id', 'score', 'source'];
const MOST_ID = 128;

const invalid = (param: string, message: string) => new RouterError('invalid_request', message, { param });

/** @throws RouterError invalid_request naming the field and what it may be */
export function readFeedback(body: unknown): Scored {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw new RouterError(
      'invalid_request',
      'The body must be a JSON object: {"request_id", "score", "source"}',
    );
  const { request_id: requestId, score, source = 'user', ...more } = body as Record<string, unknown>;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined)
    throw invalid(
      unknown.slice(0, MOST_ID),
      `No such field: '${echo(unknown)}'.${hint(unknown, FIELDS)} Fields: ${FIELDS.join(', ')}`,
    );
  if (typeof requestId !== 'string' || requestId === '' || requestId.length > MOST_ID)
    throw invalid('request_id', "'request_id' must be the x-request-id of an answer");
  if (typeof score !== 'number' || !(score >= 0 && score <= 1))
    throw invalid('score', "'score' must be a number from 0 (bad) to 1 (good)");
  if (!SOURCES.includes(source as FeedbackSource))
    throw invalid('source', `'source' must be one of: ${SOURCES.join(', ')}`);
  return { requestId, score, source: source as FeedbackSource };
}

export function feedbackHandler(
  { authenticator, config, gate, bodies, admission }: Steps,
  feedback: Feedback,
) {
  return async (request: Request, response: Response): Promise<void> => {
    const visit = new RedisVisit();
    const caller = await authenticator().authenticate(request.headers, addressOf(request), visit);
    requireJson(request);
    if (!feedback.enabled)
      throw new RouterError(
        'not_found',
        'Feedback is off here: the configuration says feedback.enabled: false',
      );
    const { signal } = response.locals.arrival as Arrival;
    const entry = await admission.enter({ caller, visit, spends: false });
    response.set(entry.headers);
    let leave: (() => void) | null = null;
    const held = bodies.open(caller.tenant);
    try {
      leave = await gate.enter(caller.tenant, signal);
      invite(request, response);
      const bounds = { ...boundsOf(config()), bodyBytes: MOST_BYTES };
      const { value } = await receiveJson(request, bounds, held, signal);
      const scored = readFeedback(value);
      const { counted, kept } = await feedback.take(caller, scored, visit);
      response.json({
        object: 'feedback',
        request_id: scored.requestId,
        policy: kept.policy,
        target: kept.target,
        score: scored.score,
        source: scored.source,
        predicted: kept.quality,
        counted,
      });
    } finally {
      held.release();
      leave?.();
      entry.leave();
    }
  };
}
