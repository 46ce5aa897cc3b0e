/** Tools that the Messages API defines and the client runs: their shapes, which a chat model has to be told. */
import type { Json } from '../values.ts';

export interface Builtin {
  readonly description: string;
  readonly parameters: Json;
}

const text = { type: 'string' };
const range = { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 };
const schema = (properties: Json, required: readonly string[]): Json => ({
  type: 'object',
  properties,
  required,
});

/** By type without its date. */
export const BUILTINS: Readonly<Record<string, Builtin>> = {
  bash: {
    description: 'Runs a command in a bash session that lasts over calls, or restarts the session.',
    parameters: schema({ command: text, restart: { type: 'boolean' } }, []),
  },
  text_editor: {
    description:
      'Views, creates and edits text files. view shows a file or a folder; create writes file_text; str_replace puts ' +
      'new_str in place of old_str, which must occur once; insert puts insert_text after line insert_line.',
    parameters: schema(
      {
        command: { type: 'string', enum: ['view', 'create', 'str_replace', 'insert', 'undo_edit'] },
        path: text,
        view_range: range,
        file_text: text,
        old_str: text,
        new_str: text,
        insert_line: { type: 'integer' },
        insert_text: text,
      },
      ['command', 'path'],
    ),
  },
  memory: {
    description: 'Keeps notes over conversations in files below /memories.',
    parameters: schema(
      {
        command: { type: 'string', enum: ['view', 'create', 'str_replace', 'insert', 'delete', 'rename'] },
        path: text,
        view_range: range,
        file_text: text,
        old_str: text,
        new_str: text,
        insert_line: { type: 'integer' },
        insert_text: text,
        old_path: text,
        new_path: text,
      },
      ['command'],
    ),
  },
};
