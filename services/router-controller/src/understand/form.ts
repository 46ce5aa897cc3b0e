/**
 * The form that an answer has to fill: a schema for all of it, or one tool that the model has to call. Programs that want data
 * of a text send the text and the form, and no word of what is to be done: the names of its fields say it.
 */
import { readTools } from './tools.ts';
import { asText, type Body, isItem } from './turns.ts';

type Item = Readonly<Record<string, unknown>>;

/** Whether the body says that a tool has to be called, this one or whichever there is. */
function hasToCall({ tool_choice: choice, function_call: called }: Body): boolean {
  if (isItem(called)) return called.name !== undefined;
  if (choice === 'required') return true;
  if (!isItem(choice)) return false;
  const { type, name, function: named } = choice;
  if (type === 'function') return named !== undefined || name !== undefined;
  return type === 'any' || (type === 'tool' && name !== undefined) || choice.mode === 'required';
}

/** One tool, and the model has to call it: how pipelines ask for an answer in a form. No agent chooses there. */
// The choice first: agents bring many tools, and leave it open.
export const isForm = (body: Body): boolean => hasToCall(body) && readTools(body).count === 1;

/** Fields that say nothing of the work: any answer stands in them. */
const PLAIN =
  /^(?:answers?|assistant|content|data|explanation|final_?answer|items?|messages?|outputs?|properties|reasoning|reply|responses?|results?|steps?|text|thoughts?|value|values)$/i;
const MOST_FIELDS = 24;
/** Plain ones included. */
const MOST_LOOKED = 100;
const MOST_CHOICES = 12;
const MOST_CHARS = 60;
/** How deep lists and objects are looked into for their fields. */
const DEPTH = 3;

const word = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value).slice(0, MOST_CHARS)
    : '';

const choicesOf = (values: unknown): string =>
  Array.isArray(values)
    ? values
        .slice(0, MOST_CHOICES)
        .map(word)
        .filter((each) => each !== '')
        .join(', ')
    : '';

/** Of a property: itself, what it refers to in its schema, or the first that it may be. */
function meant(property: unknown, root: Item): Item {
  let found = isItem(property) ? property : {};
  for (let step = 0; step < DEPTH; step++) {
    const one = [found.anyOf, found.oneOf, found.allOf].find(Array.isArray)?.find(isItem);
    const [, group, name] = /^#\/(\$defs|definitions)\/([^/]{1,200})$/.exec(asText(found.$ref)) ?? [];
    const defined = group && isItem(root[group]) ? root[group] : null;
    const next = one ?? (defined && name && Object.hasOwn(defined, name) ? defined[name] : undefined);
    if (!isItem(next)) return found;
    found = next;
  }
  return found;
}

/** Names of a schema's fields, each with what may stand in it. */
class Fields {
  readonly names: string[] = [];
  #looked = 0;

  read(schema: unknown, root = schema, depth = 0): void {
    if (!isItem(root)) return;
    const { properties, items } = meant(schema, root);
    if (items !== undefined && depth < DEPTH) this.read(items, root, depth + 1);
    if (!isItem(properties)) return;
    for (const name in properties) {
      if (this.names.length >= MOST_FIELDS || ++this.#looked > MOST_LOOKED) return;
      const field = meant(properties[name], root);
      const choices = choicesOf(field.enum ?? meant(field.items, root).enum);
      if (choices !== '' || !PLAIN.test(name))
        this.names.push(word(name) + (choices === '' ? '' : ` (${choices})`));
      if (depth < DEPTH) this.read(field, root, depth + 1);
    }
  }
}

/** Where the dialects, and servers' own members, have a schema for the whole answer. */
function schemasOf(body: Body): unknown[] {
  const { response_format, text, output_config, output_format, structured_outputs: structured } = body;
  const formats = [
    response_format,
    isItem(text) ? text.format : undefined,
    isItem(output_config) ? output_config.format : undefined,
    output_format,
  ];
  return [
    ...formats.filter(isItem).map((format) => {
      const { json_schema: inner } = format;
      return isItem(inner) ? inner.schema : format.schema;
    }),
    body.guided_json,
    isItem(structured) ? structured.json : undefined,
  ];
}

/** Of a tool in any dialect. */
function parametersOf(body: Body): unknown {
  const [tool] = [body.tools, body.functions].find((each) => Array.isArray(each) && each.length > 0) as [
    unknown,
  ];
  if (!isItem(tool)) return undefined;
  const inner = isItem(tool.function) ? tool.function : tool;
  return inner.parameters ?? inner.input_schema;
}

/** What the form asks of a text, in words; null: there is none, or its fields say nothing of the work. */
export function formWords(body: Body): string | null {
  const { structured_outputs: structured, guided_choice } = body;
  const choices = choicesOf(guided_choice ?? (isItem(structured) ? structured.choice : undefined));
  if (choices !== '') return `Which of these is it: ${choices}?`;
  const fields = new Fields();
  for (const schema of schemasOf(body)) fields.read(schema);
  if (isForm(body)) fields.read(parametersOf(body));
  return fields.names.length === 0 ? null : `Give these fields of the text: ${fields.names.join(', ')}`;
}
