/** A child that does the command's work: signals are passed on to it, and its end is the command's. */
import type { ChildProcess } from 'node:child_process';
import { codeOf, type Signal } from '../../../process/src/ending.ts';

const SIGNALS: readonly Signal[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/**
 * Waits for it, and passes on what this process is told meanwhile; its launcher's end is a SIGTERM.
 *
 * @returns its exit code, as shells tell it.
 * @throws Error when it could not be started.
 */
export async function forward(child: ChildProcess): Promise<number> {
  // A terminal's Ctrl-C has reached the child already.
  const pass = (signal: Signal) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  const gone = () => child.kill('SIGTERM');
  for (const signal of SIGNALS) process.on(signal, pass);
  process.once('disconnect', gone);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? codeOf(signal as Signal)));
    });
  } finally {
    for (const signal of SIGNALS) process.off(signal, pass);
    process.off('disconnect', gone);
    // The leash would hold the process.
    if (process.connected) process.disconnect();
  }
}
