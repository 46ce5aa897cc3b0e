/** The processes of one foreground command, ended in the reverse order of their start whatever ends the command. */
import { join } from 'node:path';
import { environmentOf, freshBundle } from '@llm-router/bundler';
import { ROOT } from '../../../../scripts/parts/lib.ts';
import { hear } from '../../../process/src/ending.ts';
import type { Variables } from '../../../process/src/late-environment.ts';
import { Child } from './child.ts';
import { type Server, Supervised } from './supervised.ts';

/** The file that starts a service: its bundle, or where none can be made (a folder that is only read) its sources. */
async function serviceFile(name: string): Promise<string> {
  try {
    return await freshBundle(name);
  } catch (error) {
    console.error(`${name}: starts from its sources: ${(error as Error).message}`);
    return join(ROOT, 'services', name, 'src', 'main.ts');
  }
}

interface Part {
  readonly stop: () => Promise<void>;
  /** Ends it at once; absent: the kernel does with this process. */
  readonly kill?: () => void;
}

/** Of these, what the environment does not say already. */
const unset = (values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => process.env[name] === undefined));

export class LineUp {
  /** Nothing is left to do without it. */
  readonly #vital: string;
  readonly #parts: Part[] = [];
  readonly #last: (() => void)[] = [];
  #stopping: Promise<never> | null = null;
  /** Bundles are made one after the other. */
  #file: Promise<unknown> = Promise.resolve();

  /** @param vital the service whose end is the command's own; every other one that dies is started again. */
  constructor(vital: string) {
    this.#vital = vital;
    hear(() => void this.stop(0), {
      signals: ['SIGTERM', 'SIGINT', 'SIGHUP'],
      onSecond: () => {
        for (const part of this.#parts) part.kill?.();
      },
    });
    // npm's own process was killed.
    process.once('disconnect', () => void this.stop(1));
  }

  get stopping(): boolean {
    return this.#stopping !== null;
  }

  /** Ends everything, last started first, and then the process. */
  stop(code: number): Promise<never> {
    this.#stopping ??= (async () => {
      // The controller before what it calls: its streams end while those parts still live.
      for (const part of [...this.#parts].reverse())
        await part.stop().catch((error: Error) => console.error(error.message));
      for (const work of this.#last) work();
      process.exit(code);
    })();
    return this.#stopping;
  }

  /** Work for the very end, when all have ended. */
  atEnd(work: () => void): void {
    this.#last.push(work);
  }

  /**
   * Starts a service of this repository.
   *
   * @param env of the controller alone also what is known only when others serve: it loads its modules meanwhile.
   * @returns its `ready` line.
   */
  async service(name: string, args: string[], env: Variables | Promise<Variables> = {}): Promise<string> {
    const [now, later] = env instanceof Promise ? [{}, env] : [env, null];
    const file = this.#file.then(() => serviceFile(name));
    this.#file = file;
    const child = new Child(name, await file, args, { ...unset(environmentOf(name)), ...now }, later);
    this.#join(child);
    // From then on it calls those that were started meanwhile, and has to end before them.
    void later?.then(() => this.#parts.push(...this.#parts.splice(this.#parts.indexOf(child), 1)));
    child.onExit = (code) => {
      if (this.stopping) return;
      if (name === this.#vital) void this.stop(code === 0 ? 1 : (code ?? 1));
      else child.restart();
    };
    return child.start();
  }

  /** Starts a server of others. @param begin starts it, at every call on the same ports. */
  async server<T extends Server>(name: string, begin: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const supervised = new Supervised(name, begin);
    this.#join(supervised);
    return supervised.start();
  }

  #join(part: Part): void {
    // Told to stop between two starts: nothing new begins.
    if (this.stopping) throw new Error('stopping');
    this.#parts.push(part);
  }
}
