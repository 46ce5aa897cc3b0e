/** What reads a command's output has ended, as `| head -1` does. */
import { constants } from 'node:os';

/** They serve others, too: that nobody reads what they say is no reason to end. */
const SERVES = ['start', 'dev', 'stack', 'triton', 'router-server', 'playground'];

/**
 * The command ends then, without a word and without work that nobody wants: by its own way of ending where it has one, else with
 * the code that shells know of programs that a closed pipe ended.
 */
export function endWithReader(words: readonly string[]): void {
  const serves = SERVES.includes(words[0] ?? '');
  let isTold = false;
  const gone = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (serves || isTold) return;
    isTold = true;
    if (process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM');
    else process.exit(128 + constants.signals.SIGPIPE);
  };
  process.stdout.on('error', gone);
  process.stderr.on('error', gone);
}
