/** Runs a command on a terminal, as a person at it sees it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../parts/lib.ts';

/** Width of the terminal, in characters. */
export const COLUMNS = 100;

const LAUNCHER = join(ROOT, 'services', 'cli', 'bin', 'llm-router.mjs');
const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

export interface Typed {
  /** What the terminal shows when the answer is typed. */
  readonly at: RegExp;
  readonly text: string;
}

/**
 * `llm-router WORDS` on a terminal of its own (util-linux' script).
 *
 * @param typed answers, each when its question stands there
 * @param onStart is given the process; its input takes Ctrl-C as `\x03`
 * @returns all that was written to the terminal.
 */
export async function onTerminal(
  words: readonly string[],
  {
    cwd,
    typed = [],
    columns = COLUMNS,
    env = {},
    onStart,
  }: {
    cwd: string;
    columns?: number;
    /** Beside this process's own. */
    env?: NodeJS.ProcessEnv;
    typed?: readonly Typed[];
    onStart?: (child: ChildProcess) => void;
  },
): Promise<string> {
  const command = `stty cols ${columns} rows 50 -echoctl; exec ${[process.execPath, LAUNCHER, ...words].map(quoted).join(' ')}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd,
    env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: undefined, NVIDIA_API_KEY: undefined, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onStart?.(child);
  const waiting = [...typed];
  let output = '';
  let seen = 0;
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    const [next] = waiting;
    if (!next?.at.test(output.slice(seen))) return;
    seen = output.length;
    waiting.shift();
    child.stdin!.write(next.text);
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', () => reject(new Error('`script` of util-linux is needed for a terminal')));
    child.once('close', () => resolve());
  });
  return output;
}
