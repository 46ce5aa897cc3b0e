/**
 * Variables that a parent knows only after its child has been started: the child loads its modules meanwhile. They come as one line of
 * JSON on standard input, which stays the leash that it is.
 */
import type { Readable, Writable } from 'node:stream';

export type Variables = Readonly<Record<string, string>>;

export const tellEnvironment = (stdin: Writable, variables: Variables): void => {
  stdin.write(`${JSON.stringify(variables)}\n`);
};

/** Waits for them. @returns null when the parent has gone before. @throws SyntaxError for what is no line of JSON. */
export function environmentFrom(stdin: Readable = process.stdin): Promise<Variables | null> {
  return new Promise((resolve, reject) => {
    let text = '';
    const take = (chunk: Buffer) => {
      text += chunk;
      if (text.endsWith('\n')) settle();
    };
    const settle = () => {
      stdin.off('data', take).off('end', settle).off('error', settle).pause();
      try {
        resolve(text === '' ? null : (JSON.parse(text) as Variables));
      } catch (error) {
        reject(error);
      }
    };
    stdin.on('data', take).once('end', settle).once('error', settle);
  });
}
