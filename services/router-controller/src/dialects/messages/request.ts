/** A Messages request as a chat completion. */
import { ChatHistory } from '../chat/messages.ts';
import type { ChatOptions, Translation } from '../dialect.ts';
import { Notes } from '../notes.ts';
import { compact, given, type Json, objectOf, textOf } from '../values.ts';
import { createAnswers } from './answer.ts';
import { addMessages, systemText } from './blocks.ts';
import { FIELDS } from './tables.ts';
import { toolMembers } from './tools.ts';

/** Thinking budgets, tokens, up to which an effort is low or medium. */
const LOW = 2_048;
const MEDIUM = 8_192;

/** @param request a Messages body: any JSON object. What of it is no such body is noted as a refusal. */
export function toChat(request: Json, options: ChatOptions): Translation {
  const notes = new Notes();
  const { stream, ...same } = notes.members(request, FIELDS);
  const names = new Map<string, string>();
  const history = new ChatHistory();
  const system = given(request.system) ? systemText(request.system, notes) : '';
  if (system !== '') history.push({ role: 'system', content: system });
  addMessages(history, request.messages, options, notes);
  const body = compact({
    model: request.model,
    messages: history.messages(),
    ...(stream === true && { stream: true }),
    ...(given(request.max_tokens) && { [options.maxTokens]: request.max_tokens }),
    ...same,
    ...toolMembers(request, names, notes),
    ...formatMembers(request),
    ...effortMembers(request, options, notes),
    user: textOf(objectOf(request.metadata).user_id) ?? undefined,
  });
  return { body, refusals: notes.refusals, dropped: notes.dropped, answers: createAnswers(request, names) };
}

function formatMembers({ output_config, output_format }: Json): Json {
  const format = objectOf(objectOf(output_config).format ?? output_format);
  if (format.type !== 'json_schema') return {};
  const { schema, name } = format;
  return {
    response_format: {
      type: 'json_schema',
      json_schema: { name: textOf(name) ?? 'answer', schema, strict: true },
    },
  };
}

function effortMembers({ output_config, thinking }: Json, { effort }: ChatOptions, notes: Notes): Json {
  const asked = textOf(objectOf(output_config).effort) ?? effortOf(objectOf(thinking));
  if (asked === null) return {};
  if (effort) return { reasoning_effort: asked };
  notes.drop('thinking');
  return {};
}

function effortOf({ type, budget_tokens }: Json): string | null {
  if (type !== 'enabled' || typeof budget_tokens !== 'number') return null;
  return budget_tokens <= LOW ? 'low' : budget_tokens <= MEDIUM ? 'medium' : 'high';
}
