/** Progress on standard error: a line that is written over in a terminal, a line now and then in a log. Standard output stays for results. */
import { stripVTControlCharacters } from 'node:util';
import { isLive, liveLine } from './live-line.ts';

/** What takes no longer needs no bar. */
const SILENT_MS = 2_000;
const DRAWN_MS = 100;
const TOLD_MS = 1_000;
/** Between lines of a log. */
export const LINE_MS = 10_000;
export const WIDTH = 30;
/** A bar that is shorter than this shows nothing. */
const LEAST = 5;

export interface Progress {
  readonly update: (done: number, of: number) => void;
  /** Takes the bar away; it comes back with the next update. */
  readonly end: () => void;
}

/** @param share 0 to 1. @param width characters. */
export function barOf(share: number, width: number): string {
  const filled = Math.round(share * width);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
}

/** What is told of a share, with a bar as wide as there is room for; none on a narrow terminal, and on the narrowest the share alone. */
export function barLine(what: string, done: number, of: number, columns: number): string {
  const share = of > 0 ? Math.min(1, done / of) : 0;
  const percent = `${Math.floor(share * 100)} %`;
  const said = `${done} of ${of} (${percent})`;
  if (what.length + 1 + said.length >= columns) return `${percent} ${what}`.trimEnd();
  const width = Math.min(WIDTH, columns - 1 - said.length - 1 - (what === '' ? 0 : what.length + 1));
  const bar = width < LEAST ? '' : barOf(share, width);
  return [what, bar, said].filter(Boolean).join(' ');
}

/** @param what stands before the bar; empty: the bar alone. */
export function progress(what: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  const live = isLive(stream) ? liveLine(stream) : null;
  const started = Date.now();
  const key = {};
  let told = 0;
  return {
    update: (done, of) => {
      const now = Date.now();
      if (now - started < SILENT_MS) return;
      if (done < of && now - told < (live ? DRAWN_MS : LINE_MS)) return;
      told = now;
      if (live) live.set(key, barLine(what, done, of, stream.columns || 80));
      else stream.write(`${barLine(what, done, of, Number.POSITIVE_INFINITY)}\n`);
    },
    end: () => live?.set(key, null),
  };
}

/**
 * Says every now and then that something of unknown length goes on, and for how long.
 *
 * @param detail what it is at, told behind the time
 * @param isBusy it keeps the thread, so that no timer would tell in time: a terminal shows it from the beginning on
 */
export async function waiting<T>(
  what: string,
  work: () => Promise<T>,
  {
    stream = process.stderr,
    detail = () => '',
    isBusy = false,
  }: { readonly stream?: NodeJS.WriteStream; readonly detail?: () => string; readonly isBusy?: boolean } = {},
): Promise<T> {
  const live = isLive(stream) ? liveLine(stream) : null;
  const started = Date.now();
  const key = {};
  const timer = setInterval(
    () => {
      const ms = Date.now() - started;
      const line = `${what} … ${Math.round(ms / 1000)} s  ${detail()}`.trimEnd();
      if (!live) stream.write(`${line}\n`);
      else if (ms >= SILENT_MS) live.set(key, line);
    },
    live ? TOLD_MS : LINE_MS,
  );
  if (isBusy) live?.set(key, `${what} …`);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    live?.set(key, null);
  }
}

/** Runs what colours its output wherever it goes: what is no terminal gets the text alone. */
export async function inPlain<T>(work: () => Promise<T>): Promise<T> {
  const undo = [process.stdout, process.stderr].flatMap((stream) => {
    if (stream.isTTY) return [];
    const before = stream.write;
    const write = before.bind(stream) as typeof stream.write;
    stream.write = ((chunk: string | Uint8Array, ...rest: []) =>
      write(
        typeof chunk === 'string' ? stripVTControlCharacters(chunk) : chunk,
        ...rest,
      )) as typeof stream.write;
    return [
      () => {
        stream.write = before;
      },
    ];
  });
  try {
    return await work();
  } finally {
    for (const each of undo) each();
  }
}
