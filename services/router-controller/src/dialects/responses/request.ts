/** A Responses request as a chat completion. */
import type { ChatBody } from '../../request.ts';
import type { ChatOptions, Translation } from '../dialect.ts';
import { Notes } from '../notes.ts';
import { compact, given, isObject, type Json, listOf, objectOf, textOf, wordOf } from '../values.ts';
import { createAnswers } from './answer.ts';
import { Conversation } from './items.ts';
import { FIELDS } from './tables.ts';
import { ToolBox } from './tools.ts';

const LOGPROBS = 'message.output_text.logprobs';

/** @param request a Responses body: any JSON object. What of it is no such body is noted as a refusal. */
export function toChat(request: Json, options: ChatOptions): Translation {
  const notes = new Notes();
  const { include, ...others } = request;
  const same = notes.members(others, FIELDS);
  const toolBox = new ToolBox(notes);
  toolBox.addAll(request.tools, 'tools');
  const conversation = new Conversation(notes, toolBox, options);
  if (textOf(request.instructions))
    conversation.history.push({ role: 'system', content: request.instructions });
  if (typeof request.input === 'string' || Array.isArray(request.input)) conversation.add(request.input);
  else notes.refuse('input', 'must be a string or a list of items');

  notes.shape('include', include, 'list');
  const wantsLogprobs = listOf(include).includes(LOGPROBS);
  for (const each of listOf(include))
    if (each !== LOGPROBS && each !== 'reasoning.encrypted_content') notes.drop(`include.${wordOf(each)}`);
  const { temperature, top_p, stream, ...rest } = same;
  const body: ChatBody = compact({
    model: request.model,
    messages: conversation.history.messages(),
    ...(stream === true && { stream: true }),
    temperature,
    top_p,
    ...rest,
    ...(given(request.max_output_tokens) && { [options.maxTokens]: request.max_output_tokens }),
    ...textMembers(request.text, notes),
    ...reasoningMembers(request.reasoning, options, notes),
    ...toolBox.members(request.tool_choice, request.parallel_tool_calls),
    ...(wantsLogprobs && { logprobs: true }),
    ...(wantsLogprobs && given(request.top_logprobs) && { top_logprobs: request.top_logprobs }),
    user: textOf(request.user) ?? textOf(request.safety_identifier) ?? undefined,
  });
  return {
    body,
    refusals: notes.refusals,
    dropped: notes.dropped,
    answers: createAnswers(request, toolBox),
  };
}

/** `text.format` is chat's response_format with its schema one level deeper. */
function textMembers(text: unknown, notes: Notes): Json {
  const { format, verbosity } = objectOf(text);
  notes.shape('text.format', format, 'object');
  const members: Record<string, unknown> = given(verbosity) && verbosity !== 'medium' ? { verbosity } : {};
  if (!isObject(format) || format.type === 'text') return members;
  if (format.type === 'json_object') return { ...members, response_format: { type: 'json_object' } };
  if (format.type !== 'json_schema') {
    notes.refuse('text.format', `format '${wordOf(format.type)}' is none of text, json_object, json_schema`);
    return members;
  }
  const { type, ...schema } = format;
  return { ...members, response_format: { type, json_schema: compact(schema) } };
}

function reasoningMembers(reasoning: unknown, { effort }: ChatOptions, notes: Notes): Json {
  const asked = objectOf(reasoning);
  if (!given(asked.effort)) return {};
  if (effort) return { reasoning_effort: asked.effort };
  notes.drop('reasoning.effort');
  return {};
}
