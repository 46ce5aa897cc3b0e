/** Tells a system prompt that says what to do with the user's message from one that says who speaks, and how. */
import {
  ASKS,
  CHOICE,
  CONTEXT,
  CONTRACT,
  COUNT,
  GIVES,
  INPUT,
  MANNERS,
  NOTHING_ELSE,
  PERSONA,
  STYLE,
  VERBS,
  VERBS_ELSEWHERE,
  WORKER,
} from './instruction-words.ts';

/** A system prompt longer than this is an agent's handbook or a heap of documents. */
const MOST_CHARS = 4_000;
/** An order is shorter; without one in so many words a longer prompt is background. */
const INSTRUCTION_CHARS = 1_200;

export interface SystemReading {
  readonly kind: 'instruction' | 'context' | 'persona';
  /** By what it was told. */
  readonly evidence: string;
}

export interface Around {
  /** Somebody answered already: a chat rather than a pipeline. */
  readonly answered: boolean;
  /** A pipeline's settings: temperature 0, JSON, a few tokens of answer. */
  readonly mechanical: number;
}

/** Sentences and lines, at most 24: what an order begins with counts. */
function sentences(text: string): string[] {
  return text
    .slice(0, 1_500)
    .split(/(?<=[.!?:])\s+|\n+/)
    .map((sentence) => sentence.replace(/^[-*#\d.)\s=]+/, ''))
    .filter((sentence) => sentence.length > 2)
    .slice(0, 24);
}

/**
 * A persona that does one job on what it is handed, rather than one that talks: two of its marks together, because each alone
 * stands in the manners of a chat as well ("for every booking, ask for the number").
 */
function worksOn(head: string, parts: readonly string[], orders: boolean, mechanical: number): boolean {
  const gives = GIVES.test(head);
  const only = NOTHING_ELSE.test(head);
  const choice = CHOICE.test(head);
  const shaped = only || choice || CONTRACT.test(head);
  if (WORKER.test(head)) return gives || shaped || mechanical > 0;
  // "Keep answers under 60 words" counts nothing that is asked for.
  const counted = parts.some((part) => COUNT.test(part) && !STYLE.test(part));
  if (gives) return only || choice || orders || counted || mechanical > 0;
  return (only && (orders || choice || mechanical > 0)) || (orders && shaped && mechanical > 1);
}

/** Null for a system prompt that is no instruction: too long, or none at all. */
export function readSystem(text: string, around: Around): SystemReading | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const head = trimmed.slice(0, 1_500);
  if (CONTEXT.test(head)) return { kind: 'context', evidence: 'documents in the system prompt' };
  if (trimmed.length > MOST_CHARS) return null;
  const parts = sentences(trimmed);
  // A heading may stand before who speaks.
  const persona = PERSONA.test(head) || parts.slice(0, 3).some((part) => PERSONA.test(part));
  const isOrder = (part: string) =>
    !/^you are\b/i.test(part) &&
    ((VERBS.test(part) && !MANNERS.test(part.slice(0, 80))) || VERBS_ELSEWHERE.test(part) || ASKS.test(part));
  const orders = parts.some(isOrder);
  const seen = [
    orders && 'an order',
    INPUT.test(head) && 'names the input',
    CONTRACT.test(head) && 'says what the answer looks like',
    WORKER.test(head) && 'a worker for one task',
    around.mechanical > 0 && 'set up as a pipeline',
  ].filter((found) => found !== false);
  const told = (instructs: boolean): SystemReading =>
    instructs
      ? { kind: 'instruction', evidence: seen.join(', ') || 'neither a persona nor manners' }
      : { kind: 'persona', evidence: 'says who speaks and how' };
  if (persona) {
    const named = parts.some((part) => isOrder(part) && INPUT.test(part));
    if (around.answered) return told(named && CONTRACT.test(head));
    const brief = trimmed.length <= INSTRUCTION_CHARS;
    return told(named || worksOn(head, parts, orders && brief, around.mechanical));
  }
  if (
    parts.every(
      (part) =>
        (STYLE.test(part) && !INPUT.test(part)) ||
        (part.split(/\s+/, 4).length < 3 && /^[\x20-\x7e]+$/.test(part)),
    )
  )
    return told(around.mechanical > 1 || (orders && seen.length > 2));
  // A chat that has begun has an order in so many words, or a short one.
  if (around.answered) return told(trimmed.length <= 300 || seen.length > 2);
  return told(trimmed.length <= INSTRUCTION_CHARS || orders);
}
