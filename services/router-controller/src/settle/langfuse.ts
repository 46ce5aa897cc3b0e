/**
 * The attributes by which Langfuse files a trace, as its documentation maps them; model and tokens it takes from the GenAI
 * conventions, which every span has.
 */
import type { SpanAttributes } from '../observe/index.ts';
import type { RoutedRequest } from '../request.ts';

/** When the answer that was given began, RFC 3339; null: it is not known. */
function beganAt({ outcome, receivedAt }: RoutedRequest): string | null {
  const answered = outcome?.attempts.findLast((attempt) => attempt.outcome === 'ok');
  if (!answered || outcome?.firstByteMs == null) return null;
  const ago = performance.now() - (receivedAt + answered.startedMs + outcome.firstByteMs);
  return new Date(Date.now() - ago).toISOString();
}

/** @param input the text that was classified, where the configuration lets it be told; null: it does not */
export function langfuseAttributes(
  request: RoutedRequest,
  cost: number | null,
  input: string | null,
): SpanAttributes {
  const { caller, decision, extension, outcome } = request;
  return {
    'langfuse.observation.type': 'generation',
    'langfuse.trace.name': `route ${extension.policy}`,
    'user.id': caller.id,
    // Hashed, as the log has it.
    'session.id': decision?.stay?.key,
    'gen_ai.usage.cost': cost,
    'langfuse.observation.completion_start_time': beganAt(request),
    'langfuse.observation.input': input,
    // Others of a span’s attributes can’t be filtered by.
    'langfuse.trace.metadata.tenant': caller.tenant,
    'langfuse.trace.metadata.policy': extension.policy,
    'langfuse.trace.metadata.label': decision?.label,
    'langfuse.trace.metadata.entry': decision?.entry.name,
    'langfuse.trace.metadata.target': outcome?.target?.name,
    'langfuse.trace.metadata.reason': decision?.reason,
    'langfuse.trace.metadata.request_id': request.id,
  };
}
