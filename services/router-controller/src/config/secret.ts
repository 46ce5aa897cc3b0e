import { inspect } from 'node:util';

/**
 * A string that must never be printed: JSON, template strings, `console.log` and the log all show `[REDACTED]`.
 * Only {@link Secret.reveal} gives the value, so every use of a key can be found by that name.
 *
 * @example
 * const key = new Secret('nvapi-…');
 * `${key}`; // '[REDACTED]'
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself, for the one place that sends or compares it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[REDACTED]';
  }

  toJSON(): string {
    return '[REDACTED]';
  }

  [inspect.custom](): string {
    return '[REDACTED]';
  }
}
