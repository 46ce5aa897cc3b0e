/** Tools as a reader writes them, and calls as a model makes them. Free of the DOM, so that Node tests it. */
import type { Tool, ToolCall } from './messages.ts';

/** What is wrong with the list, and what would be right. */
export class ToolProblem extends Error {}

const MAX_TOOLS = 64;
const NAME = /^[\w-]{1,64}$/;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function toolOf(given: unknown, index: number): Tool {
  const where = `Tool ${index + 1}`;
  if (!isObject(given)) throw new ToolProblem(`${where} is no object`);
  // A function alone is taken as well; many APIs write tools so.
  const { function: said } = given.function === undefined ? { function: given } : given;
  if (given.type !== undefined && given.type !== 'function' && given.function !== undefined)
    throw new ToolProblem(`${where} has the type '${String(given.type)}'; chat completions know 'function'`);
  if (!isObject(said)) throw new ToolProblem(`${where}: function is no object`);
  const { name, description, parameters, strict } = said;
  if (typeof name !== 'string' || !NAME.test(name))
    throw new ToolProblem(`${where} needs a function.name of up to 64 letters, digits, _ and -`);
  if (parameters !== undefined && !isObject(parameters))
    throw new ToolProblem(`${where} (${name}): parameters is a JSON schema, so an object`);
  if (description !== undefined && typeof description !== 'string')
    throw new ToolProblem(`${where} (${name}): description is a text`);
  return {
    type: 'function',
    function: {
      name,
      ...(description !== undefined && { description }),
      ...(parameters !== undefined && { parameters }),
      ...(strict !== undefined && { strict }),
    },
  };
}

/** @param text a JSON list of tools; empty: none. @throws ToolProblem */
export function readTools(text: string): Tool[] {
  if (text.trim() === '') return [];
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new ToolProblem(`The tools are no JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(given)) throw new ToolProblem('The tools are a list: [ { "type": "function", … } ]');
  if (given.length > MAX_TOOLS)
    throw new ToolProblem(`${given.length} tools are too many; ${MAX_TOOLS} are taken`);
  const tools = given.map(toolOf);
  const names = tools.map((tool) => tool.function.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ToolProblem(`Two tools are called '${twice}'`);
  return tools;
}

/** A call's arguments as a reader reads them; as they are where they are no JSON. */
export function argumentsOf({ function: { arguments: text } }: ToolCall): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Shown in the empty field, and taken by a click. */
export const EXAMPLE_TOOLS = JSON.stringify(
  [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'The weather of a city',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
      },
    },
  ],
  null,
  2,
);
