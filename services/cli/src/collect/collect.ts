/** Prompts → answers of every target → scores, under a budget, going on where an earlier run stopped. */
import { rename, writeFile } from 'node:fs/promises';
import { CommandError } from '../lib/errors.ts';
import { type Asked, type Asking, ask, NoAnswer } from './ask.ts';
import { CONSTANTS, type ControlFigure, controlled, controlProblem } from './control.ts';
import { graded } from './grader.ts';
import type { Journal } from './journal.ts';
import { judged } from './judge.ts';
import type { Prompt } from './prompts.ts';
import { BudgetReached, Spending } from './spending.ts';

/** Who scores: a model that compares with another answer, or a command that looks at one. */
export type Scorer =
  | { readonly kind: 'judge'; readonly judge: Asked; readonly baseline: string }
  | { readonly kind: 'command'; readonly command: string };

export interface Collecting {
  readonly url: string;
  readonly targets: readonly Asked[];
  readonly scorer: Scorer;
  readonly journal: Journal;
  /** USD, of all runs together. */
  readonly budget: number;
  readonly concurrency: number;
  readonly maxTokens: number;
  readonly out: string;
  readonly progress: (done: number, of: number) => void;
}

/** One line of the evaluation file, as `value:train` reads it. */
interface Row {
  readonly prompt: string;
  readonly target: string;
  readonly score: number;
  readonly cost: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly group?: string;
}

export interface Collected {
  readonly prompts: number;
  readonly rows: number;
  readonly targets: readonly string[];
  readonly spent_usd: number;
  /** Why not all of it was done; null: it was. */
  readonly stopped: 'budget' | 'failures' | null;
  /** Answers and scores that could not be had; another run tries them again. */
  readonly failed: number;
  readonly control: readonly ControlFigure[];
}

/** Failures one after another, after which something is wrong with more than one prompt. */
const FAILURES = 10;

class TooManyFailures extends Error {}

export class Collection {
  readonly #c: Collecting;
  readonly #asking: Asking;
  readonly #spending: Spending;
  readonly #abort = new AbortController();
  #failed = 0;
  #inARow = 0;
  #lastFailure = '';

  constructor(collecting: Collecting) {
    this.#c = collecting;
    this.#spending = new Spending(collecting.budget, collecting.journal.usd);
    this.#asking = { url: collecting.url, spending: this.#spending, signal: this.#abort.signal };
  }

  get lastFailure(): string {
    return this.#lastFailure;
  }

  /** @throws CommandError where the scores are found to mean nothing, and then nothing is written */
  async run(prompts: readonly Prompt[]): Promise<Collected> {
    const first = controlled(prompts);
    const order = [
      ...prompts.filter(({ id }) => first.has(id)),
      ...prompts.filter(({ id }) => !first.has(id)),
    ];
    let stopped: Collected['stopped'] = null;
    try {
      // What scores is tried before the most of the money is spent.
      await this.#each(order.slice(0, first.size), 0, order.length, async (prompt) => {
        await this.#prompt(prompt);
        for (const [name, text] of Object.entries(CONSTANTS))
          await this.#try(() => this.#score(prompt, name, text));
      });
      this.#checkControl(prompts, first);
      await this.#each(order.slice(first.size), first.size, order.length, (prompt) => this.#prompt(prompt));
    } catch (error) {
      if (error instanceof BudgetReached) stopped = 'budget';
      else if (error instanceof TooManyFailures) stopped = 'failures';
      else throw error;
    }
    const control = this.#checkControl(prompts, first);
    const rows = prompts.flatMap((prompt) => this.#rows(prompt));
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    await writeFile(`${this.#c.out}.partial`, text);
    await rename(`${this.#c.out}.partial`, this.#c.out);
    return {
      prompts: new Set(rows.map(({ prompt }) => prompt)).size,
      rows: rows.length,
      targets: this.#c.targets.map(({ target }) => target.name),
      spent_usd: Number(this.#c.journal.usd.toPrecision(6)),
      stopped,
      failed: this.#failed,
      control,
    };
  }

  /** Some prompts at a time. The first error ends it, when what is under way has ended. */
  async #each(
    prompts: readonly Prompt[],
    before: number,
    of: number,
    work: (prompt: Prompt) => Promise<void>,
  ): Promise<void> {
    let next = 0;
    let done = before;
    let failure: unknown;
    const worker = async () => {
      while (next < prompts.length && failure === undefined) {
        try {
          await work(prompts[next++]!);
          this.#c.progress(++done, of);
        } catch (error) {
          failure ??= error;
          // What is short of money ends by itself; what is broken need not be paid for.
          if (!(error instanceof BudgetReached)) this.#abort.abort();
        }
      }
    };
    await Promise.all(Array.from({ length: this.#c.concurrency }, worker));
    if (failure !== undefined) throw failure;
  }

  /** Answers of all targets, then their scores: what is broken off leaves whole prompts behind. */
  async #prompt(prompt: Prompt): Promise<void> {
    const { targets, journal, maxTokens } = this.#c;
    for (const asked of targets) {
      const { name } = asked.target;
      if (journal.answer(prompt.id, name)) continue;
      await this.#try(async () => {
        const answer = await ask(this.#asking, asked, [{ role: 'user', content: prompt.text }], maxTokens);
        this.#keep({ kind: 'answer', prompt: prompt.id, target: name, ...answer });
      });
    }
    for (const { target } of targets) {
      const answer = journal.answer(prompt.id, target.name);
      if (answer) await this.#try(() => this.#score(prompt, target.name, answer.text));
    }
  }

  /** Keeps what came of a call. */
  #keep(line: Parameters<Journal['add']>[0]): void {
    this.#c.journal.add(line);
    this.#inARow = 0;
  }

  async #score(prompt: Prompt, of: string, answer: string): Promise<void> {
    const { scorer, journal } = this.#c;
    if (scorer.kind === 'command') {
      if (journal.score(prompt.id, of, scorer.command, null) !== undefined) return;
      const score = await graded(scorer.command, prompt, of, answer, this.#abort.signal);
      this.#keep({ kind: 'score', prompt: prompt.id, of, by: scorer.command, order: null, score, usd: 0 });
      return;
    }
    const against = this.#against(prompt, of);
    if (against === null) return;
    const by = scorer.judge.target.name;
    for (const order of [0, 1] as const) {
      if (journal.score(prompt.id, of, by, order) !== undefined) continue;
      // An answer that says nothing is no better than any.
      const { score, usd } =
        answer.trim() === ''
          ? { score: 0, usd: 0 }
          : await judged(this.#asking, scorer.judge, prompt, answer, against, order);
      this.#keep({ kind: 'score', prompt: prompt.id, of, by, order, score, usd });
    }
  }

  /** What an answer is compared with; null: it is that itself, or there is none. */
  #against({ id, reference }: Prompt, of: string): string | null {
    if (reference !== null) return reference;
    const { scorer, journal } = this.#c;
    if (scorer.kind !== 'judge' || of === scorer.baseline) return null;
    return journal.answer(id, scorer.baseline)?.text ?? null;
  }

  /** Mean over the orders; null: not scored. */
  #scoreOf(prompt: Prompt, of: string): number | null {
    const { scorer, journal } = this.#c;
    if (scorer.kind === 'command') return journal.score(prompt.id, of, scorer.command, null) ?? null;
    // As good as itself, where it is what the others are compared with.
    if (prompt.reference === null && of === scorer.baseline) return 0.5;
    const [first, second] = ([0, 1] as const).map((order) =>
      journal.score(prompt.id, of, scorer.judge.target.name, order),
    );
    return first === undefined || second === undefined ? null : (first + second) / 2;
  }

  #rows(prompt: Prompt): Row[] {
    return this.#c.targets.flatMap(({ target: { name } }) => {
      const answer = this.#c.journal.answer(prompt.id, name);
      const score = answer && this.#scoreOf(prompt, name);
      if (!answer || score == null) return [];
      return [
        {
          prompt: prompt.text,
          target: name,
          score,
          cost: answer.usd,
          input_tokens: answer.input_tokens,
          output_tokens: answer.output_tokens,
          ...(prompt.group !== null && { group: prompt.group }),
        },
      ];
    });
  }

  #checkControl(prompts: readonly Prompt[], which: ReadonlySet<string>): ControlFigure[] {
    const figures = Object.keys(CONSTANTS).map((of): ControlFigure => {
      const scores = prompts.flatMap((prompt) =>
        which.has(prompt.id) ? (this.#scoreOf(prompt, of) ?? []) : [],
      );
      const sum = scores.reduce((all, each) => all + each, 0);
      return { of, mean: scores.length > 0 ? sum / scores.length : 0, prompts: scores.length };
    });
    const problem = controlProblem(figures, which.size);
    if (problem) {
      const why = this.#lastFailure && ` The last failure: ${this.#lastFailure}`;
      throw new CommandError(`${problem}. Nothing was written.${why}`);
    }
    return figures;
  }

  /** Goes on after an answer that could not be had; not after many in a row. */
  async #try(make: () => Promise<void>): Promise<void> {
    try {
      await make();
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (error.usd > 0) this.#c.journal.add({ kind: 'spent', usd: error.usd });
      this.#failed++;
      this.#lastFailure = error.message;
      if (++this.#inARow >= FAILURES) throw new TooManyFailures();
    }
  }
}
