/** Tools and tool choice of a Messages request, as a chat model can be offered them. */

import { functionName } from '../chat/names.ts';
import type { Notes } from '../notes.ts';
import { compact, isObject, type Json, listOf, objectOf, rowOf, textOf, wordOf } from '../values.ts';
import { BUILTINS } from './builtins.ts';
import { TOOL_CHOICES, TOOLS } from './tables.ts';

/** Members of the chat body for tools and choice. */
/** @param names by the name that chat has for it, the client's own, where they differ. */
export function toolMembers({ tools, tool_choice }: Json, names: Map<string, string>, notes: Notes): Json {
  const offered: Json[] = [];
  const hosted: string[] = [];
  for (const [index, tool] of listOf(tools).entries()) {
    const shape = chatTool(tool, `tools[${index}]`, notes, hosted);
    if (shape && shape.name !== (tool as Json).name)
      names.set(wordOf(shape.name), wordOf((tool as Json).name));
    if (shape) offered.push({ type: 'function', function: shape });
  }
  const choice = choiceMembers(tool_choice, offered, notes);
  if (offered.length > 0) return { tools: offered, ...choice };
  for (const place of hosted)
    notes.refuse(
      place,
      'this tool runs at a target that speaks the Messages API only, and the request has no other tool',
    );
  return {};
}

function chatTool(tool: unknown, place: string, notes: Notes, hosted: string[]): Json | null {
  const refuse = (why: string) => {
    notes.refuse(place, why);
    return null;
  };
  if (!isObject(tool)) return refuse('a tool must be an object');
  const type = (textOf(tool.type) ?? 'custom').replace(/_\d{8}$/, '');
  const row = rowOf(TOOLS, type);
  if (!row) return refuse(`tool type '${type}' is not known to chat completions`);
  if (row.fate === 'refused') return refuse(row.note!);
  if (row.fate === 'dropped') {
    if (row.quiet) return null;
    hosted.push(place);
    notes.drop(`tools.${type}`);
    return null;
  }
  if (typeof tool.name !== 'string') return refuse('a tool needs a `name`');
  const name = functionName(tool.name);
  const builtin = rowOf(BUILTINS, type);
  if (builtin) return { name, ...builtin };
  return compact({
    name,
    description: textOf(tool.description) ?? undefined,
    parameters: isObject(tool.input_schema) ? tool.input_schema : undefined,
    strict: typeof tool.strict === 'boolean' ? tool.strict : undefined,
  });
}

/** @param offered functions that the model can be told to call. */
function choiceMembers(choice: unknown, offered: readonly Json[], notes: Notes): Json {
  if (choice === undefined || choice === null) return {};
  const { type, name, disable_parallel_tool_use } = objectOf(choice);
  const row = rowOf(TOOL_CHOICES, type);
  if (!row) {
    notes.refuse('tool_choice', `type '${wordOf(type)}' is none of auto, any, tool, none`);
    return {};
  }
  if (type === 'tool' && typeof name !== 'string') {
    notes.refuse('tool_choice', 'the choice of a tool needs its `name`');
    return {};
  }
  const called = type === 'tool' ? functionName(wordOf(name)) : null;
  const can = called === null ? offered : offered.filter((tool) => objectOf(tool.function).name === called);
  if ((type === 'tool' || type === 'any') && can.length === 0) {
    const why =
      called === null
        ? 'a call is required, and no tool can be called'
        : `the tool '${wordOf(name)}' is not among those that can be called`;
    notes.refuse('tool_choice', why);
    return {};
  }
  return {
    tool_choice: called === null ? row.to : { type: 'function', function: { name: called } },
    ...(disable_parallel_tool_use === true && { parallel_tool_calls: false }),
  };
}
