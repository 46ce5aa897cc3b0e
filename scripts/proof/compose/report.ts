/** What the part of the proof that runs in the box tells the part outside: lines of JSON on its standard output. */

/** What it is told, as its only argument. */
export interface Orders {
  readonly folder: string;
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
  readonly compose: string;
  readonly socket: string;
  readonly profiles: readonly string[];
  /** The few checks that `npm test` has time for. */
  readonly quick: boolean;
}

export interface CheckLine {
  readonly check: string;
  readonly seconds: number;
  /** What it has found out, in a few words. */
  readonly found?: string;
  readonly error?: string;
}

export interface EndLine {
  /** Every container became healthy, at the start and after each fault. */
  readonly healthy: boolean;
  /** Requests sent, and those not answered as they should have been. */
  readonly requests: number;
  readonly failed: number;
}

export type Line = CheckLine | EndLine;

export const isCheck = (line: Line): line is CheckLine => 'check' in line;
