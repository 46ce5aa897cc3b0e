/** One line at a terminal's bottom that is written over, below whatever else is printed. */

/** Back to the line's beginning, and nothing after it. */
const CLEAR = '\r\x1b[K';
const GAP = '  ·  ';

type Write = NodeJS.WriteStream['write'];

/** Whether a line may be written over there; where not, whole lines are all that it gets. */
export const isLive = (stream: NodeJS.WriteStream): boolean =>
  Boolean(stream.isTTY) && process.env.TERM !== 'dumb';

class LiveLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #write: Write;
  /** What goes on at the same time shares the line. */
  readonly #texts = new Map<object, string>();
  #isShown = false;
  /** Somebody has printed the beginning of a line, and it must not be written over. */
  #isMidLine = false;
  #restore: (() => void) | null = null;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#write = stream.write.bind(stream) as Write;
  }

  /** @param text null: takes it away */
  set(of: object, text: string | null): void {
    if (text === null) this.#texts.delete(of);
    else this.#texts.set(of, text);
    if (this.#texts.size === 0) {
      this.#clear();
      this.#restore?.();
      this.#restore = null;
      return;
    }
    this.#restore ??= this.#giveWay();
    if (this.#isMidLine) return;
    // A line that wraps could not be taken away.
    const room = Math.max(1, (this.#stream.columns || 80) - 1);
    const line = [...[...this.#texts.values()].join(GAP).replaceAll(/\p{Cc}/gu, ' ')].slice(0, room).join('');
    this.#write(`${CLEAR}${line}`);
    this.#isShown = true;
  }

  #clear(): void {
    if (this.#isShown) this.#write(CLEAR);
    this.#isShown = false;
  }

  /** Whatever else is printed on this terminal stands on a line of its own. @returns undoes it */
  #giveWay(): () => void {
    const others = this.#stream === process.stderr && process.stdout.isTTY ? [process.stdout] : [];
    const undo = [this.#stream, ...others].map((stream) => {
      const before = stream.write;
      const write = before.bind(stream) as Write;
      stream.write = ((chunk: string | Uint8Array, ...rest: []) => {
        this.#clear();
        this.#isMidLine = chunk.length > 0 && chunk.at(-1) !== (typeof chunk === 'string' ? '\n' : 10);
        return write(chunk, ...rest);
      }) as Write;
      return () => {
        stream.write = before;
      };
    });
    return () => {
      for (const each of undo) each();
      this.#isMidLine = false;
    };
  }
}

const lines = new WeakMap<NodeJS.WriteStream, LiveLine>();

/** The one of this terminal. */
export function liveLine(stream: NodeJS.WriteStream): LiveLine {
  const known = lines.get(stream);
  if (known) return known;
  const made = new LiveLine(stream);
  lines.set(stream, made);
  return made;
}
