/** The end of a request's span: what the log line says, in OpenTelemetry's words. */
import { redact } from '../observe/index.ts';
import type { RoutedRequest } from '../request.ts';
import { langfuseAttributes } from './langfuse.ts';

/** Statuses of the client's own making are no errors of the server's span. */
const isFault = (status: number) => status >= 500 || status === 499;

export function endSpan(
  request: RoutedRequest,
  status: number,
  code: string,
  cost: number | null,
  endedAgoMs: number,
): void {
  const { span, decision, outcome, extension, config } = request;
  if (!span || span.traceId === null) return;
  span.set({
    'http.request.method': 'POST',
    'url.path': request.path,
    'http.response.status_code': status,
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': decision?.targets[0]?.model,
    'gen_ai.response.model': outcome?.target?.model,
    'gen_ai.usage.input_tokens': outcome?.usage?.promptTokens,
    'gen_ai.usage.output_tokens': outcome?.usage?.completionTokens,
    'llm_router.request_id': request.id,
    'llm_router.tenant': request.caller.tenant,
    'llm_router.policy': extension.policy,
    'llm_router.entry': decision?.entry.name,
    'llm_router.label': decision?.label,
    'llm_router.confidence': decision?.confidence,
    'llm_router.reason': decision?.reason,
    'llm_router.target': outcome?.target?.name,
    'llm_router.attempts': outcome?.attempts.length,
    'llm_router.cost_usd': cost,
    'llm_router.error_code': code || undefined,
  });
  const { prompts, langfuse } = config.file.tracing;
  const content = prompts ? String(redact(request.facts?.ask.text ?? '')) : null;
  if (langfuse) span.set(langfuseAttributes(request, cost, content));
  if (content !== null) {
    span.set({
      'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content }] }]),
    });
  }
  span.end(isFault(status) ? code || String(status) : null, endedAgoMs);
}
