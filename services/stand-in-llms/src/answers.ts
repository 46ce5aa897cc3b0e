/** What a stand-in says: short, the same for the same request, and plainly no model's words. */

export interface ChatRequest {
  readonly model?: unknown;
  readonly messages?: readonly { role?: string; content?: unknown }[];
  readonly prompt?: unknown;
  readonly stream?: boolean;
  readonly stream_options?: { include_usage?: boolean } | null;
  readonly tools?: readonly { function?: { name?: string } }[];
  readonly n?: number;
}

const CREATED = 1_700_000_000;

function lastText(request: ChatRequest): string {
  const message = request.messages?.findLast((m) => m.role === 'user');
  const content = message?.content ?? request.prompt ?? '';
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const images = content.filter((part) => part?.type === 'image_url').length;
  const text = content.map((part) => part?.text ?? '').join(' ');
  return images > 0 ? `${text} [${images} image${images > 1 ? 's' : ''}]` : text;
}

const words = (text: string) => text.split(/\s+/).filter(Boolean).length;

export function usageOf(request: ChatRequest, answer: string) {
  const prompt = Math.max(
    1,
    (request.messages ?? []).reduce((sum, m) => sum + words(JSON.stringify(m.content ?? '')), 0),
  );
  const completion = Math.max(1, words(answer));
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

export function answerText(request: ChatRequest): string {
  const text = lastText(request).replaceAll(/\s+/g, ' ').trim();
  const excerpt = text.length > 60 ? `${text.slice(0, 57)}…` : text;
  return `This is a stand-in for ${String(request.model)}, not the model itself. It read ${words(text)} words: "${excerpt}"`;
}

/** A tool is called when the request offers any: its arguments hold the last user text. */
function toolCall(request: ChatRequest) {
  const name = request.tools?.[0]?.function?.name;
  if (!name) return null;
  return {
    id: 'call_standin1',
    type: 'function',
    function: { name, arguments: JSON.stringify({ text: lastText(request).slice(0, 40) }) },
  };
}

export function completion(request: ChatRequest): object {
  const call = toolCall(request);
  const text = answerText(request);
  const message = call
    ? { role: 'assistant', content: null, tool_calls: [call], refusal: null }
    : { role: 'assistant', content: text, refusal: null };
  return {
    id: 'chatcmpl-standin',
    object: 'chat.completion',
    created: CREATED,
    model: request.model,
    system_fingerprint: 'stand-in',
    choices: Array.from({ length: request.n ?? 1 }, (_, index) => ({
      index,
      message,
      logprobs: null,
      finish_reason: call ? 'tool_calls' : 'stop',
    })),
    usage: usageOf(request, text),
  };
}

/** The stream's `data:` payloads, `[DONE]` last. */
export function chunks(request: ChatRequest): string[] {
  const chunk = (delta: object, finish_reason: string | null = null) =>
    JSON.stringify({
      id: 'chatcmpl-standin',
      object: 'chat.completion.chunk',
      created: CREATED,
      model: request.model,
      system_fingerprint: 'stand-in',
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
      ...(request.stream_options?.include_usage && { usage: null }),
    });
  const out = [chunk({ role: 'assistant', content: '' })];
  const call = toolCall(request);
  const text = answerText(request);
  if (call) {
    const { arguments: args } = call.function;
    out.push(
      chunk({ tool_calls: [{ index: 0, ...call, function: { name: call.function.name, arguments: '' } }] }),
    );
    for (let at = 0; at < args.length; at += 7) {
      out.push(chunk({ tool_calls: [{ index: 0, function: { arguments: args.slice(at, at + 7) } }] }));
    }
  } else {
    for (const word of text.split(/(?<= )/)) out.push(chunk({ content: word }));
  }
  out.push(chunk({}, call ? 'tool_calls' : 'stop'));
  if (request.stream_options?.include_usage) {
    const { choices: _choices, ...rest } = JSON.parse(chunk({}));
    out.push(JSON.stringify({ ...rest, choices: [], usage: usageOf(request, text) }));
  }
  out.push('[DONE]');
  return out;
}
