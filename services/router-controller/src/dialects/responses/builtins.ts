/** Tools that the API defines and the client runs: offered to a chat model as functions of fixed shape. */
import { compact, type Json, listOf, objectOf, textOf } from '../values.ts';

export interface Builtin {
  readonly description: string;
  readonly parameters: Json;
  /** Type of the item that calls it, and of the item that answers. */
  readonly call: string;
  readonly output: string;
  /** Arguments of the function → what the call item holds. */
  readonly toItem: (args: Json) => Json;
  readonly fromItem: (item: Json) => Json;
  readonly outputText: (item: Json) => string;
}

const strings = { type: 'array', items: { type: 'string' } };
const schema = (properties: Json, required: readonly string[]) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

function shellOutput(item: Json): string {
  if (typeof item.output === 'string') return item.output;
  return listOf(item.output)
    .map((each) => {
      const { stdout, stderr, outcome } = objectOf(each);
      const { type, exit_code } = objectOf(outcome);
      const end = type === 'timeout' ? 'timed out' : `exit code ${exit_code ?? 0}`;
      return [textOf(stdout), textOf(stderr), end].filter(Boolean).join('\n');
    })
    .join('\n');
}

export const BUILTINS: Readonly<Record<string, Builtin>> = {
  local_shell: {
    description: 'Runs a command on the user’s machine and returns what it prints.',
    parameters: schema(
      {
        command: { ...strings, description: 'program and arguments' },
        working_directory: { type: 'string' },
        timeout_ms: { type: 'integer' },
        env: { type: 'object', additionalProperties: { type: 'string' } },
      },
      ['command'],
    ),
    call: 'local_shell_call',
    output: 'local_shell_call_output',
    toItem: (args) => ({
      action: compact({
        type: 'exec',
        command: listOf(args.command),
        env: objectOf(args.env),
        working_directory: args.working_directory,
        timeout_ms: args.timeout_ms,
      }),
    }),
    fromItem: ({ action }) => {
      const { type: _exec, ...rest } = objectOf(action);
      return rest;
    },
    outputText: shellOutput,
  },
  shell: {
    description: 'Runs shell commands on the user’s machine and returns what they print.',
    parameters: schema(
      { commands: strings, timeout_ms: { type: 'integer' }, max_output_length: { type: 'integer' } },
      ['commands'],
    ),
    call: 'shell_call',
    output: 'shell_call_output',
    toItem: (args) => ({
      action: {
        commands: listOf(args.commands),
        timeout_ms: args.timeout_ms ?? null,
        max_output_length: args.max_output_length ?? null,
      },
      environment: { type: 'local' },
    }),
    fromItem: ({ action }) =>
      Object.fromEntries(Object.entries(objectOf(action)).filter(([, value]) => value !== null)),
    outputText: shellOutput,
  },
  apply_patch: {
    description: 'Creates, updates or deletes a file on the user’s machine.',
    parameters: schema(
      {
        type: { type: 'string', enum: ['create_file', 'update_file', 'delete_file'] },
        path: { type: 'string' },
        diff: { type: 'string', description: 'a V4A diff; not for delete_file' },
      },
      ['type', 'path'],
    ),
    call: 'apply_patch_call',
    output: 'apply_patch_call_output',
    toItem: (args) => ({ operation: args }),
    fromItem: ({ operation }) => objectOf(operation),
    outputText: (item) => textOf(item.output) ?? textOf(item.status) ?? 'completed',
  },
};

export const BY_CALL = new Map(
  Object.entries(BUILTINS).map(([name, each]) => [each.call, { name, ...each }]),
);
export const BY_OUTPUT = new Map(
  Object.entries(BUILTINS).map(([name, each]) => [each.output, { name, ...each }]),
);
