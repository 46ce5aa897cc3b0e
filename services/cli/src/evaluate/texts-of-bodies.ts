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

/** The texts that a row teaches, none, one or two; never an empty one. */
export function textsOf(row: BodyRow, settings: UnderstandSettings): string[] {
  const { ask, turn } = understand({ body: row.body, path: row.path, headers: {} }, settings);
  const history = turn.closes ? null : ask.withHistory;
  const follows = turn.leans || row.kind === 'follow-up';
  const texts = follows && history !== null ? [history] : [ask.text, history];
  return texts.filter((text) => text !== null && text.trim() !== '') as string[];
}
