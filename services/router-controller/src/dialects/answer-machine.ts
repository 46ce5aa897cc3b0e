/** Chat answers in another dialect, whole and event by event: both come from one machine, so that they can't differ. */
import type { AnswerTranslator, StreamTranslator, ToldError } from './dialect.ts';
import { parseJson } from './json.ts';
import { sseEvent } from './sse-event.ts';
import { isObject, type Json } from './values.ts';

/** Takes an event of the dialect; its members come without their `type`. */
export type Emit = (type: string, members: Json) => void;

/** Turns one chat answer, telling events on the way. */
export interface AnswerMachine {
  /** A chunk of a stream, or a whole completion. */
  take(chunk: Json): void;
  /** @returns the whole answer. */
  finish(): object;
  /** The upstream ended before its answer did. */
  fail(error: ToldError): void;
}

/**
 * @param begin a machine for one answer.
 * @param isNumbered whether events carry their `sequence_number`.
 */
export function answersBy(begin: (emit: Emit) => AnswerMachine, isNumbered: boolean): AnswerTranslator {
  return {
    whole(completion) {
      if (!isObject(completion) || !Array.isArray(completion.choices))
        throw new Error('the upstream answered without a chat completion');
      const machine = begin(() => {});
      machine.take(completion);
      return machine.finish();
    },
    stream: () => streamBy(begin, isNumbered),
  };
}

function streamBy(begin: (emit: Emit) => AnswerMachine, isNumbered: boolean): StreamTranslator {
  let out = '';
  let number = 0;
  const machine = begin((type, members) => {
    out += sseEvent(
      type,
      isNumbered ? { type, sequence_number: number++, ...members } : { type, ...members },
    );
  });
  const taken = () => {
    const text = out;
    out = '';
    return text;
  };
  return {
    push(data) {
      const chunk = data.trim() === '[DONE]' ? null : parseJson(data);
      if (isObject(chunk)) machine.take(chunk);
      return taken();
    },
    end() {
      machine.finish();
      return taken();
    },
    fail(error) {
      machine.fail(error);
      return taken();
    },
  };
}
