/**
 * How every process of ours ends that runs until it is told to: the first SIGTERM or SIGINT lets what is under way finish
 * and ends it with 0, a second one ends it at once.
 *
 * To be called before anything takes time, because a process without a handler is killed by the signal, and one with
 * PID 1 does not hear it at all.
 */
import { constants } from 'node:os';

export type Signal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

/** One Ctrl-C may come by several ways (terminal, npm, launcher): so soon after the first, it is the same wish. ms */
const SAME_WISH_MS = 1_000;

export interface HearOptions {
  /** Default: SIGTERM and SIGINT. */
  readonly signals?: readonly Signal[];
  /** For a second signal, before the process ends: what would be left behind. */
  readonly onSecond?: () => void;
}

/** Exit code of a process that a signal ended, as shells tell it. */
export const codeOf = (signal: Signal): number => 128 + constants.signals[signal];

/**
 * Calls `first` once, at the first signal; a second one, which is not the same wish, ends the process with 128 and the
 * signal's number.
 *
 * @returns takes the handlers away again.
 */
export function hear(
  first: (signal: Signal) => void,
  { signals = ['SIGTERM', 'SIGINT'], onSecond = () => {} }: HearOptions = {},
): () => void {
  let heardAt: number | null = null;
  const take = (signal: Signal) => {
    const now = performance.now();
    if (heardAt === null) {
      heardAt = now;
      first(signal);
    } else if (now - heardAt > SAME_WISH_MS) {
      onSecond();
      process.exit(codeOf(signal));
    }
  };
  for (const signal of signals) process.on(signal, take);
  return () => {
    for (const signal of signals) process.off(signal, take);
  };
}

/**
 * For a command that leaves something behind if it is killed: what must go then stands in handlers of the process' `exit`, which a
 * signal alone would not call.
 */
export function exitWhenTold(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(codeOf(signal)));
}

/** Calls `gone` when the parent has ended, however: the end of standard input, or of the IPC channel, tells it. */
export function whenParentGone(gone: () => void): void {
  if (process.connected) process.once('disconnect', gone);
  else process.stdin.once('end', gone).once('error', gone).resume();
}

export interface Ending {
  /**
   * From now on it serves: the first signal calls `stop`, and the process ends with 0 when that is done, or with 1 when it
   * fails. Before, a signal ends it at once with 0: nobody waits for anything yet.
   *
   * @param withParent whether the parent's end is such a signal, too
   */
  readonly by: (stop: (why: string) => Promise<unknown>, withParent?: boolean) => void;
  /** Ends it as a first signal does. */
  readonly now: (why: string) => void;
}

/**
 * @param options.say where a stop that failed is told
 * @param options.signals default: SIGTERM and SIGINT
 */
export function endWhenTold({
  say = console.error,
  signals,
}: {
  say?: (line: string) => void;
  signals?: readonly Signal[];
} = {}): Ending {
  let stop: (why: string) => Promise<unknown> = async () => {};
  let isEnding = false;
  const end = (why: string) => {
    if (isEnding) return;
    isEnding = true;
    stop(why).then(
      () => process.exit(0),
      (error) => {
        say(`stop after ${why} failed: ${error}`);
        process.exit(1);
      },
    );
  };
  hear(end, { ...(signals && { signals }) });
  return {
    by: (how, withParent = false) => {
      stop = how;
      if (withParent) whenParentGone(() => end('parent gone'));
    },
    now: end,
  };
}
