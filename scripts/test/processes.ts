/** Runs an npm script as a user does, and knows every process that it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../parts/lib.ts';

const WAIT_MS = 240_000;

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly isZombie: boolean;
}

function processes(): Row[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // pid (name) state ppid …; the name may hold anything, so it is skipped from the right.
        const [state, parent] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
        return [{ pid: Number(name), parent: Number(parent), isZombie: state === 'Z' }];
      } catch {
        return []; // It has just ended.
      }
    });
}

/** All processes under one. */
export function descendants(pid: number): number[] {
  const rows = processes();
  const found: number[] = [];
  for (const queue = [pid]; queue.length > 0; ) {
    const parent = queue.pop()!;
    for (const row of rows) {
      if (row.parent !== parent) continue;
      found.push(row.pid);
      queue.push(row.pid);
    }
  }
  return found;
}

export const isAlive = (pid: number) => processes().some((row) => row.pid === pid && !row.isZombie);

/** Waits for something that takes the machine a moment. */
export async function until(holds: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  for (const end = Date.now() + WAIT_MS; !(await holds()); await sleep(100)) {
    if (Date.now() > end) throw new Error(what());
  }
}

export class Script {
  readonly process: ChildProcess;
  #output = '';
  readonly exit: Promise<number | null>;

  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}) {
    this.process = spawn(process.execPath, [join(ROOT, 'scripts', 'npm.mjs'), name, ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const take = (chunk: Buffer) => {
      this.#output += chunk.toString();
    };
    this.process.stdout!.on('data', take);
    this.process.stderr!.on('data', take);
    this.exit = once(this.process, 'close').then(([code]) => code as number | null);
  }

  get output(): string {
    return this.#output;
  }

  /** The first match in its output. @throws Error with the output when it never comes. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null;
    await until(
      () => {
        match = pattern.exec(this.#output);
        return match !== null || this.process.exitCode !== null;
      },
      () => `it did not say ${pattern}:\n${this.#output}`,
    );
    if (!match) throw new Error(`it ended without saying ${pattern}:\n${this.#output}`);
    return match;
  }
}
