/** The calls that a model wants made, and the reader's answers in place of the tools. */
import { byId, h } from './dom.ts';
import type { Message, Tool, ToolCall } from './messages.ts';
import { argumentsOf, EXAMPLE_TOOLS, readTools, ToolProblem } from './tools.ts';

const field = byId('tools', HTMLTextAreaElement);
const problem = byId('tools-problem', HTMLParagraphElement);
const count = byId('tools-count', HTMLSpanElement);

/** @returns the tools in the field; null: they are wrong, and the reader is told how. */
export function toolsGiven(): readonly Tool[] | null {
  try {
    const tools = readTools(field.value);
    problem.textContent = '';
    count.textContent = tools.length === 0 ? '' : `${tools.length} tool${tools.length === 1 ? '' : 's'}`;
    field.removeAttribute('aria-invalid');
    return tools;
  } catch (error) {
    if (!(error instanceof ToolProblem)) throw error;
    problem.textContent = error.message;
    field.setAttribute('aria-invalid', 'true');
    return null;
  }
}

export function startTools(changed: () => void): void {
  field.placeholder = EXAMPLE_TOOLS;
  field.addEventListener('input', () => {
    toolsGiven();
    changed();
  });
  byId('tools-example', HTMLButtonElement).addEventListener('click', () => {
    field.value = EXAMPLE_TOOLS;
    toolsGiven();
    changed();
    field.focus();
  });
}

/** A call as it is read: the tool's name and its arguments. */
export const callShown = (call: ToolCall): HTMLElement =>
  h(
    'div',
    { class: 'call' },
    h('p', {}, 'Calls ', h('code', {}, call.function.name)),
    h('pre', {}, argumentsOf(call)),
  );

/** Fields for the results of all calls of an answer. @param send given a message of role tool for each */
export function resultsForm(calls: readonly ToolCall[], send: (results: Message[]) => void): HTMLFormElement {
  const fields = calls.map((call) =>
    h('textarea', {
      rows: '2',
      'aria-label': `Result of ${call.function.name}`,
      placeholder: `Result of ${call.function.name}`,
    }),
  );
  const form = h(
    'form',
    { class: 'results', autocomplete: 'off' },
    ...fields,
    h('button', { type: 'submit', class: 'primary' }, calls.length === 1 ? 'Send result' : 'Send results'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    form.remove();
    send(
      calls.map(({ id }, index) => ({
        role: 'tool',
        tool_call_id: id,
        content: fields[index]!.value.trim(),
      })),
    );
  });
  return form;
}
