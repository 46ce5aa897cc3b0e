/** The tables that the translations go by, which the reference page shows as they are. */

/**
 * - same: copied under the same (or another) name
 * - mapped: said in chat's words
 * - dropped: left out, the request holds without it; told in a header unless it is a mere hint
 * - refused: by name, since the request would mean something else without it
 * - router: the router's own business
 */
export type Fate = 'same' | 'mapped' | 'dropped' | 'refused' | 'router';

export type Shape = 'text' | 'list' | 'object' | 'text or list';

export interface Row {
  readonly fate: Fate;
  /** What it becomes in a chat completion. */
  readonly to?: string;
  /** Why, and what helps. Of a refusal, the words that the client gets. */
  readonly note?: string;
  /** A hint whose loss nobody needs to be told. */
  readonly quiet?: boolean;
  /** What its value has to be: what else it is would vanish without a word. */
  readonly is?: Shape;
  /** Values that ask for nothing. */
  readonly neutral?: readonly unknown[];
}

export type FieldTable = Readonly<Record<string, Row>>;

/** One dialect's tables, for the reference page. */
export interface DialectTables {
  readonly title: string;
  readonly tables: readonly { readonly title: string; readonly rows: FieldTable }[];
}
