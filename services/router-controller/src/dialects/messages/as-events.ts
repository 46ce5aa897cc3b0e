/** A whole message as the events of a stream that has it in one piece. */
import { parseJson } from '../json.ts';
import { sseEvent } from '../sse-event.ts';
import { isObject, type Json, listOf, objectOf } from '../values.ts';

/** How a block is begun, and what fills it. */
function piecesOf(block: Json): { readonly empty: Json; readonly deltas: readonly Json[] } {
  if (block.type === 'text')
    return { empty: { ...block, text: '' }, deltas: [{ type: 'text_delta', text: block.text }] };
  if (block.type === 'thinking')
    return {
      empty: { ...block, thinking: '', signature: '' },
      deltas: [
        { type: 'thinking_delta', thinking: block.thinking },
        { type: 'signature_delta', signature: block.signature ?? '' },
      ],
    };
  if (block.type === 'tool_use' || block.type === 'server_tool_use')
    return {
      empty: { ...block, input: {} },
      deltas: [{ type: 'input_json_delta', partial_json: JSON.stringify(block.input ?? {}) }],
    };
  return { empty: block, deltas: [] };
}

export function asEvents(body: Buffer): Buffer {
  const message = objectOf(parseJson(body.toString('utf8')));
  const { stop_reason = null, stop_sequence = null, usage } = message;
  let out = '';
  const emit = (type: string, members: Json) => {
    out += sseEvent(type, { type, ...members });
  };
  const begun = { ...message, content: [], stop_reason: null, stop_sequence: null };
  emit('message_start', { message: { ...begun, usage: { ...objectOf(usage), output_tokens: 0 } } });
  for (const [index, block] of listOf(message.content).entries()) {
    if (!isObject(block)) continue;
    const { empty, deltas } = piecesOf(block);
    emit('content_block_start', { index, content_block: empty });
    for (const delta of deltas) emit('content_block_delta', { index, delta });
    emit('content_block_stop', { index });
  }
  emit('message_delta', { delta: { stop_reason, stop_sequence }, usage: usage ?? { output_tokens: 0 } });
  emit('message_stop', {});
  return Buffer.from(out);
}
