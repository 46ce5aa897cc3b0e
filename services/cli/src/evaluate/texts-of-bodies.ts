/**
 * Labelled request bodies as the prompts that the classifier would see, for training and for looking at.
 *
 * Each goes through the router's own understanding step. Follow-ups ("and in Rust?") come with the turns before them only, because
 * alone the label isn't theirs; others both ways, so that a new topic is learnt not to be held by an old one.
 */
import { type UnderstandSettings, understand } from '../../../router-controller/src/understand/index.ts';

export interface BodyRow {
  readonly body: Record<string, unknown>;
  readonly path: string;
  readonly source: string;
  readonly [column: string]: unknown;
}

export interface BodyPrompts {
  /** What the row teaches: no text, one or two; never an empty one. */
  readonly texts: readonly string[];
  /** Whether an agent asks, as the router tells. */
  readonly agent: boolean;
}

export function promptsOf(row: BodyRow, settings: UnderstandSettings): BodyPrompts {
  const { ask, turn, features } = understand({ body: row.body, path: row.path, headers: {} }, settings);
  const history = turn.closes ? null : ask.withHistory;
  const follows = turn.leans || row.kind === 'follow-up';
  const texts = follows && history !== null ? [history] : [ask.text, history];
  return {
    texts: texts.filter((text) => text !== null && text.trim() !== '') as string[],
    agent: features.agent !== null,
  };
}
