/**
 * What was done and paid so far, a line each, so that a second run goes on where the first one stopped. Holds answers: it is for its
 * owner's eyes.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { whyUnread } from '../../../process/src/unread.ts';
import { UsageError } from '../lib/errors.ts';
import type { Answer } from './ask.ts';

/** An answer of a target. */
export interface AnswerLine extends Answer {
  readonly kind: 'answer';
  readonly prompt: string;
  readonly target: string;
}

/** One judgement of an answer. order: 0 it was shown first, 1 second, null: no other answer was shown. */
export interface ScoreLine {
  readonly kind: 'score';
  readonly prompt: string;
  /** A target, or a control. */
  readonly of: string;
  readonly by: string;
  readonly order: 0 | 1 | null;
  readonly score: number;
  readonly usd: number;
}

/** Money for an answer that could not be used. */
export interface SpentLine {
  readonly kind: 'spent';
  readonly usd: number;
}

type Line = AnswerLine | ScoreLine | SpentLine;

const key = (...parts: readonly (string | number | null)[]) => JSON.stringify(parts);

export class Journal {
  readonly #path: string;
  readonly #answers = new Map<string, AnswerLine>();
  readonly #scores = new Map<string, number>();
  #usd = 0;
  #torn = false;

  /** @throws UsageError where the file is not a journal */
  constructor(path: string) {
    this.#path = path;
    if (!existsSync(path)) return;
    let content: string;
    try {
      content = readFileSync(path, 'utf8');
    } catch (error) {
      throw new UsageError(`${path} can’t be read: ${whyUnread(error)}`);
    }
    const lines = content.split('\n');
    for (const [at, line] of lines.entries()) {
      if (line === '') continue;
      let value: Line;
      try {
        value = JSON.parse(line) as Line;
      } catch {
        // Half written when the process was killed.
        if (at === lines.length - 1) continue;
        throw new UsageError(`${path}:${at + 1}: not a line of a journal; move the file away to begin anew`);
      }
      this.#take(value);
    }
    this.#torn = content !== '' && !content.endsWith('\n');
  }

  /** USD that all runs have cost. */
  get usd(): number {
    return this.#usd;
  }

  answer(prompt: string, target: string): AnswerLine | undefined {
    return this.#answers.get(key(prompt, target));
  }

  score(prompt: string, of: string, by: string, order: 0 | 1 | null): number | undefined {
    return this.#scores.get(key(prompt, of, by, order));
  }

  add(line: Line): void {
    appendFileSync(this.#path, `${this.#torn ? '\n' : ''}${JSON.stringify(line)}\n`, { mode: 0o600 });
    this.#torn = false;
    this.#take(line);
  }

  #take(line: Line): void {
    this.#usd += line.usd;
    if (line.kind === 'answer') this.#answers.set(key(line.prompt, line.target), line);
    if (line.kind === 'score') this.#scores.set(key(line.prompt, line.of, line.by, line.order), line.score);
  }
}
