/** Tools and tool choice of a Responses request, as a chat model can be offered them. */
import { functionName } from '../chat/names.ts';
import type { Notes } from '../notes.ts';
import { isObject, type Json, listOf, objectOf, rowOf, textOf } from '../values.ts';
import { BUILTINS } from './builtins.ts';
import { TOOL_CHOICES, TOOLS } from './tables.ts';

/** What a function of the chat request stands for. */
export interface Called {
  readonly kind: 'function' | 'custom' | 'builtin';
  readonly name: string;
  readonly namespace?: string;
}

export interface ChatTool {
  readonly type: 'function';
  readonly function: Json;
}

/** Tools of a namespace have it before their name. */
export const chatName = ({ name, namespace }: Pick<Called, 'name' | 'namespace'>): string =>
  functionName(namespace === undefined ? name : `${namespace}__${name}`);

export class ToolBox {
  readonly tools: ChatTool[] = [];
  readonly #called = new Map<string, Called>();
  /** Hosted tools that were left out, by their place. */
  readonly #hosted: string[] = [];
  readonly #notes: Notes;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  /** What a function that the model calls stands for. */
  called(name: string): Called {
    return this.#called.get(name) ?? { kind: 'function', name };
  }

  addAll(tools: unknown, place: string): void {
    for (const [index, tool] of listOf(tools).entries()) this.#add(tool, `${place}[${index}]`);
  }

  #add(tool: unknown, place: string, namespace?: string): void {
    if (!isObject(tool)) {
      this.#notes.refuse(place, 'a tool must be an object');
      return;
    }
    const type = textOf(tool.type) ?? '';
    const row = rowOf(TOOLS, type.replace(/_\d{4}_\d{2}_\d{2}$/, ''));
    const name = textOf(tool.name);
    if (!row) {
      this.#notes.refuse(place, `tool type '${type}' is not known to chat completions`);
      return;
    }
    if (row.fate === 'refused') {
      this.#notes.refuse(place, row.note!);
      return;
    }
    if (row.fate === 'dropped') {
      if (!row.quiet) this.#hosted.push(place);
      if (!row.quiet) this.#notes.drop(`tools.${type}`);
      return;
    }
    if (type === 'namespace') {
      for (const [index, inner] of listOf(tool.tools).entries())
        this.#add(inner, `${place}.tools[${index}]`, name ?? '');
      return;
    }
    if (type === 'shell' && !['local', undefined].includes(objectOf(tool.environment).type as string)) {
      this.#notes.refuse(place, 'a shell in a container needs a target that speaks the Responses API');
      return;
    }
    const builtin = rowOf(BUILTINS, type);
    if (builtin) {
      const { description, parameters } = builtin;
      this.#offer({ kind: 'builtin', name: type }, { description, parameters });
      return;
    }
    if (name === null) {
      this.#notes.refuse(`${place}.name`, 'missing; every tool needs a name');
      return;
    }
    if (type === 'custom') {
      this.#offer({ kind: 'custom', name, ...(namespace !== undefined && { namespace }) }, customShape(tool));
      return;
    }
    this.#offer(
      { kind: 'function', name, ...(namespace !== undefined && { namespace }) },
      {
        ...(textOf(tool.description) !== null && { description: tool.description }),
        ...(isObject(tool.parameters) && { parameters: tool.parameters }),
        ...(typeof tool.strict === 'boolean' && { strict: tool.strict }),
      },
    );
  }

  #offer(called: Called, shape: Json): void {
    const name = chatName(called);
    if (this.#called.has(name)) return;
    this.#called.set(name, called);
    this.tools.push({ type: 'function', function: { name, ...shape } });
  }

  /** Members of the chat body for tools and choice; call it when all tools are in. */
  members(choice: unknown, parallel: unknown): Json {
    const chosen = this.#choice(choice);
    if (this.tools.length === 0) {
      for (const place of this.#hosted)
        this.#notes.refuse(
          place,
          'this tool runs at a target that speaks the Responses API only, and the request has no other tool',
        );
      if (chosen.tool_choice === 'required')
        this.#notes.refuse('tool_choice', 'a call is required, and no tool can be called');
      return {};
    }
    return {
      tools: this.tools,
      ...chosen,
      // Calls side by side are chat's own default.
      ...(parallel === false && { parallel_tool_calls: false }),
    };
  }

  #choice(choice: unknown): Json {
    if (choice === undefined || choice === null) return {};
    const type = textOf(choice) ?? textOf(objectOf(choice).type) ?? '';
    const row = rowOf(TOOL_CHOICES, type);
    if (!row) {
      this.#notes.refuse('tool_choice', `'${type}' can’t be chosen at a target that speaks chat completions`);
      return {};
    }
    if (row.fate === 'same') return { tool_choice: type };
    if (type === 'allowed_tools') return this.#allow(objectOf(choice));
    const name = this.#nameOf(objectOf(choice));
    if (name !== null && this.#called.has(name))
      return { tool_choice: { type: 'function', function: { name } } };
    const why =
      name === null
        ? 'the choice of a tool needs its `name`'
        : `the tool '${name}' is not among those that can be called`;
    this.#notes.refuse('tool_choice', why);
    return {};
  }

  #nameOf(choice: Json): string | null {
    const name = rowOf(BUILTINS, choice.type) ? textOf(choice.type) : textOf(choice.name);
    const namespace = textOf(choice.namespace) ?? undefined;
    return name === null ? null : chatName({ name, ...(namespace !== undefined && { namespace }) });
  }

  #allow({ mode, tools }: Json): Json {
    const names = new Set(listOf(tools).map((tool) => this.#nameOf(objectOf(tool))));
    const kept = this.tools.filter((tool) => names.has(tool.function.name as string));
    this.tools.splice(0, this.tools.length, ...kept);
    return { tool_choice: mode === 'required' ? 'required' : 'auto' };
  }
}

/** A custom tool takes free text, which is the one argument of a function. */
function customShape(tool: Json): Json {
  const { type, syntax, definition } = objectOf(tool.format);
  const grammar =
    type === 'grammar' ? `\n\nThe input must follow this ${syntax} grammar:\n${definition}` : '';
  const description = `${textOf(tool.description) ?? ''}${grammar}`;
  return {
    ...(description !== '' && { description }),
    parameters: {
      type: 'object',
      properties: { input: { type: 'string', description: 'the input of the tool, as plain text' } },
      required: ['input'],
      additionalProperties: false,
    },
  };
}
