/** A whole response as the events of a stream that has it in one piece. */
import { parseJson } from '../json.ts';
import { sseEvent } from '../sse-event.ts';
import { isObject, type Json, listOf, objectOf } from '../values.ts';

export function asEvents(body: Buffer): Buffer {
  const response = objectOf(parseJson(body.toString('utf8')));
  let out = '';
  let number = 0;
  const emit = (type: string, members: Json) => {
    out += sseEvent(type, { type, sequence_number: number++, ...members });
  };
  const begun = { ...response, status: 'in_progress', output: [], usage: null };
  emit('response.created', { response: begun });
  emit('response.in_progress', { response: begun });
  for (const [output_index, item] of listOf(response.output).entries()) {
    if (!isObject(item)) continue;
    const empty = { ...item, status: 'in_progress', ...(item.type === 'message' && { content: [] }) };
    emit('response.output_item.added', { output_index, item: empty });
    if (item.type === 'message') parts(item, output_index, emit);
    if (item.type === 'function_call') {
      const place = { item_id: item.id, output_index };
      emit('response.function_call_arguments.delta', { ...place, delta: item.arguments });
      emit('response.function_call_arguments.done', { ...place, arguments: item.arguments });
    }
    emit('response.output_item.done', { output_index, item });
  }
  const status = response.status === 'incomplete' ? 'incomplete' : 'completed';
  emit(`response.${status}`, { response });
  return Buffer.from(out);
}

function parts(item: Json, output_index: number, emit: (type: string, members: Json) => void): void {
  for (const [content_index, part] of listOf(item.content).entries()) {
    if (!isObject(part)) continue;
    const place = { item_id: item.id, output_index, content_index };
    const [kind, member] = part.type === 'refusal' ? ['refusal', 'refusal'] : ['output_text', 'text'];
    const logprobs = kind === 'output_text' ? { logprobs: [] } : {};
    emit('response.content_part.added', { ...place, part: { ...part, [member!]: '' } });
    emit(`response.${kind}.delta`, { ...place, delta: part[member!], ...logprobs });
    emit(`response.${kind}.done`, { ...place, [member!]: part[member!], ...logprobs });
    emit('response.content_part.done', { ...place, part });
  }
}
