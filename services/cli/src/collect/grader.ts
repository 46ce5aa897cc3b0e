/** The user's own command as judge: it reads one answer as JSON on standard input and prints a score from 0 to 1. */
import { spawn } from 'node:child_process';
import { CommandError } from '../lib/errors.ts';
import { NoAnswer } from './ask.ts';
import type { Prompt } from './prompts.ts';

const TIMEOUT_MS = 120_000;
const MAX_BYTES = 1 << 20;

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1)?.trim() ?? '';

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(command: string, input: string, signal: AbortSignal): Promise<Ended> {
  const child = spawn(command, {
    shell: true,
    stdio: 'pipe',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const said = { out: '', err: '' };
  for (const [name, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ] as const) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (said[name].length < MAX_BYTES) said[name] += text;
    });
  }
  // A command that does not read all of it is free not to.
  child.stdin.on('error', () => {}).end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });
}

/**
 * @param target whose answer it is
 * @throws CommandError where the command is no scorer; NoAnswer where it gave up on this one
 */
export async function graded(
  command: string,
  { text, reference, group }: Prompt,
  target: string,
  answer: string,
  signal: AbortSignal,
): Promise<number> {
  const input = JSON.stringify({ prompt: text, target, answer, reference, group });
  const { code, out, err } = await run(command, `${input}\n`, signal).catch((error: Error) => {
    if (signal.aborted) throw error;
    throw new NoAnswer(`the command gave no score within ${TIMEOUT_MS / 1000} s (${error.message})`);
  });
  if (code !== 0)
    throw new CommandError(
      `--score-command ended with ${code}${err.trim() ? `: ${lastLine(err).slice(0, 200)}` : ''}. It gets {"prompt", "target", ` +
        '"answer", "reference", "group"} on standard input and prints a number from 0 to 1',
    );
  const said = lastLine(out);
  const score = said === '' ? Number.NaN : Number(said);
  if (!(score >= 0 && score <= 1))
    throw new CommandError(
      `--score-command printed ${JSON.stringify(said.slice(0, 60))}; want a number from 0 (bad) to 1 (good) as its last line`,
    );
  return score;
}
