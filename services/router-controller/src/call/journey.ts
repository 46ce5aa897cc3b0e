/** One request's way through its targets, and what became of each attempt. */
import type { Target } from '../config/types.ts';
import { type AnswerReader, chatAnswers } from '../dialects/index.ts';
import type { RouterError } from '../errors.ts';
import type { Span } from '../observe/index.ts';
import { type Attempt, type Decision, EXTENSION, type RoutedRequest } from '../request.ts';
import type { Answer, Failure } from './attempts/attempt.ts';
import type { Needs } from './attempts/capabilities.ts';
import type { Pass } from './health/breaker.ts';
import type { Who } from './health/target-health.ts';
import { answerLimit, type Speech, speechOf } from './speech.ts';
import type { EarlyStream } from './stream/early.ts';

export interface CallHooks {
  /** Reads the answers of the API that was called; default: chat completions. */
  readonly answers?: AnswerReader;
  /** The router's own headers for an answer that the target gave, or for none. */
  readonly headers: (target: Target | null) => Readonly<Record<string, string>>;
  /** Limits of the target itself; a refusal moves on to the next, a failed attempt gives back what it took. */
  readonly admitTarget?: (target: Target) => Promise<RouterError | { readonly release: () => void }>;
}

export interface Tried {
  readonly target: Target;
  readonly failure: Failure;
}

/** An answer that may go to the client. */
export interface Won {
  readonly target: Target;
  readonly answer: Answer;
  /** The usage event in it is the router's doing. */
  readonly hideUsage: boolean;
  readonly pass: Pass;
  /** Of the attempt; it ends with the answer. */
  readonly span: Span;
}

export type TryResult = ({ readonly kind: 'won' } & Won) | ({ readonly kind: 'failed' } & Tried);

export interface Journey {
  readonly request: RoutedRequest;
  readonly decision: Decision;
  readonly hooks: CallHooks;
  readonly answers: AnswerReader;
  readonly needs: Needs;
  /** What the client of a stream hears before its content; null for plain calls. */
  readonly early: EarlyStream | null;
  readonly started: number;
  readonly attempts: Attempt[];
  readonly tried: Tried[];
  /** Requests sent upstream, which the budget counts. */
  sent: number;
  /** A target's own limit refused. */
  refusal: RouterError | null;
  /** Targets whose failure this request has told of: it counts once, however often they are asked. */
  readonly blamed: Set<string>;
  /** Where clients are told apart. */
  readonly who: Who | null;
  /** Serialised bodies, by model and whether usage is asked for: each is made once. */
  readonly bodies: Map<string, Buffer>;
}

/** On a router without keys clients are told apart by where they call from. */
function whoOf({ caller, address }: RoutedRequest): Who | null {
  if (caller && caller.id !== 'anonymous') return { tenant: caller.tenant, client: caller.id };
  return address ? { tenant: `address ${address}`, client: address } : null;
}

export function startJourney(
  request: RoutedRequest,
  hooks: CallHooks,
  needs: Needs,
  early: EarlyStream | null,
): Journey {
  return {
    request,
    decision: request.decision!,
    hooks,
    answers: hooks.answers ?? chatAnswers,
    needs,
    early,
    started: performance.now(),
    attempts: [],
    tried: [],
    sent: 0,
    refusal: null,
    blamed: new Set(),
    who: whoOf(request),
    bodies: new Map(),
  };
}

export const speechFor = ({ request, answers }: Journey, target: Target): Speech =>
  speechOf(target, request, answers);

/**
 * The body as it goes upstream: the client's bytes, but for the model, the router's own field, what the entry sets, and the
 * usage that the router asks for.
 */
export function bodyFor(journey: Journey, target: Target, askUsage: boolean): Buffer {
  const { request, decision, bodies } = journey;
  const key = `${askUsage} ${request.foreign ? target.id : target.model}`;
  let bytes = bodies.get(key);
  if (!bytes) {
    const { raw } = request;
    const { translation } = speechFor(journey, target);
    if (translation) {
      const options = askUsage ? { stream_options: { include_usage: true } } : {};
      bytes = raw.texts.render({
        ...translation.body,
        ...answerLimit(target, request, journey.needs.prompt_tokens),
        ...decision.bodyPatch,
        model: target.model,
        ...options,
      });
      bodies.set(key, bytes);
      return bytes;
    }
    const patch = Object.entries(decision.bodyPatch ?? {}).map(([field, value]) => [
      field,
      JSON.stringify(value),
    ]);
    bytes = raw.edited({
      ...Object.fromEntries(patch),
      [EXTENSION]: null,
      ...(request.earlier && { previous_response_id: JSON.stringify(request.earlier.id) }),
      model: JSON.stringify(target.model),
      ...(askUsage && { stream_options: raw.editedObject('stream_options', { include_usage: 'true' }) }),
    });
    bodies.set(key, bytes);
  }
  return bytes;
}
