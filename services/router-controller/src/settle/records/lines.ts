/** Somewhere that JSON lines go. None of it holds a request up: what finds no place is dropped and counted. */
export interface Lines {
  /** @param line without its line feed. Never throws, never waits. */
  add(line: string): void;
  /** Resolves when all that was added is written, or dropped. */
  close(): Promise<void>;
}

/** Lines that came to this end. */
export type CountLines = (result: 'written' | 'dropped', lines: number) => void;
