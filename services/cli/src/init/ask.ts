/** Questions on a terminal: a number or its word, asked again until it is one. */
import { createInterface, type Interface } from 'node:readline/promises';
import { CommandError } from '../lib/errors.ts';

export interface Choice {
  readonly value: string;
  readonly label: string;
}

export class Asker {
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;
  readonly #out: NodeJS.WritableStream;

  constructor(input: NodeJS.ReadableStream, out: NodeJS.WritableStream) {
    this.#interface = createInterface({ input });
    this.#lines = this.#interface[Symbol.asyncIterator]();
    this.#out = out;
  }

  /** @throws CommandError when the input ends */
  async text(question: string, fallback = ''): Promise<string> {
    this.#out.write(`${question}${fallback ? ` [${fallback}]` : ''}: `);
    const { value, done } = await this.#lines.next();
    if (done) throw new CommandError('\nnothing was written: the questions were not answered');
    return value.trim() || fallback;
  }

  /** One or more of the choices, by number or word, with commas or spaces between. */
  async several(question: string, choices: readonly Choice[]): Promise<string[]> {
    this.#out.write(`${question}\n`);
    for (const [at, { label }] of choices.entries()) this.#out.write(`  ${at + 1}  ${label}\n`);
    for (;;) {
      const words = (await this.text('numbers, with commas between')).split(/[\s,]+/).filter(Boolean);
      const found = words.map((word) => choices[Number(word) - 1]?.value ?? word);
      const wrong = found.find((each) => !choices.some(({ value }) => value === each));
      if (found.length > 0 && wrong === undefined) return [...new Set(found)];
      this.#out.write(`${wrong ? `'${wrong}' is none of them. ` : ''}1 to ${choices.length}, please.\n`);
    }
  }

  close(): void {
    this.#interface.close();
  }
}
