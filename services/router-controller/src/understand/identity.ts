/** Which conversation a request belongs to, as far as the request itself tells. Digests, never the words. */
import { hash } from 'node:crypto';
import type { Identity } from './facts.ts';
import { type Body, isItem, type Turn, textOf } from './turns.ts';

/** Where clients name their conversation; header names in lower case, body fields with dots between their levels. */
export interface IdentitySources {
  readonly session_headers: readonly string[];
  readonly session_fields: readonly string[];
  readonly agent_headers: readonly string[];
  readonly agent_fields: readonly string[];
}

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const MOST_VALUE = 512;
const OPENER_CHARS = 2_000;
const ANSWER_CHARS = 300;
const SYSTEM_CHARS = 200;
const SEPARATOR = '\u0000';

export const digest = (...texts: readonly string[]) =>
  hash('sha256', texts.join(SEPARATOR), 'base64url').slice(0, 22);

/** Paths stand in the configuration: few, and each request looks for all of them. */
const MOST_PATHS = 1_000;
const steps = new Map<string, readonly string[]>();

function stepsOf(path: string): readonly string[] {
  let known = steps.get(path);
  if (!known) {
    known = path.split('.');
    if (steps.size < MOST_PATHS) steps.set(path, known);
  }
  return known;
}

function fieldAt(body: Body, path: string): unknown {
  let at: unknown = body;
  for (const key of stepsOf(path)) {
    if (!isItem(at)) return undefined;
    at = at[key];
  }
  return at;
}

function nameOf(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (isItem(value)) return nameOf(value.id);
  return typeof value === 'string' ? value.trim() : '';
}

/** A user id that carries a session in it, as JSON or after `session_`; null for one that is only a user's. */
function sessionWithin(text: string): string | null {
  if (text.startsWith('{')) {
    try {
      const value = JSON.parse(text.slice(0, 2_000)) as unknown;
      if (isItem(value)) return nameOf(value.session_id ?? value.sessionId) || null;
    } catch {
      return null;
    }
  }
  return /(?:^|_)session[_-]([\w-]{8,})/i.exec(text.slice(0, 1_000))?.[1] ?? null;
}

function firstNamed(
  headers: Headers,
  body: Body,
  headerNames: readonly string[],
  fields: readonly string[],
): { from: string; value: string } | null {
  for (const name of headerNames) {
    const value = headers[name];
    if (typeof value === 'string' && value.trim() !== '') return { from: name, value: value.trim() };
  }
  for (const path of fields) {
    const value = nameOf(fieldAt(body, path));
    if (value === '') continue;
    // Fields for the end user name a conversation only where a session stands in them.
    if (!/(?:^|\.)user(?:_id)?$/.test(path)) return { from: path, value };
    const within = sessionWithin(value);
    if (within !== null) return { from: path, value: within };
  }
  return null;
}

const short = (value: string) => (value.length > MOST_VALUE ? digest(value) : value);

const isCall = ({ kind }: { kind: string }) => kind === 'call';

export function readIdentity(
  body: Body,
  headers: Headers,
  turns: readonly Turn[],
  /** Words of the first human turns, the first one's index and that behind the last; null: there is none. */
  first: { readonly text: string; readonly at: number; readonly until: number } | null,
  toolNames: readonly string[],
  sources: IdentitySources,
): Identity {
  const session = firstNamed(headers, body, sources.session_headers, sources.session_fields);
  const agent = firstNamed(headers, body, sources.agent_headers, sources.agent_fields);
  const user = nameOf(body.user) || nameOf(fieldAt(body, 'metadata.user_id')) || null;
  const media = first
    ? turns[first.at]!.parts.filter(({ kind }) => kind === 'image' || kind === 'audio' || kind === 'file')
    : [];
  const opener = first
    ? digest(
        first.text.slice(0, OPENER_CHARS),
        String(first.text.length),
        ...media.map(({ text }) => `${text.length} ${text.slice(0, 64)} ${text.slice(-200)}`),
      )
    : null;
  const answered = first ? turns.slice(first.until).find(({ role }) => role === 'assistant') : undefined;
  const said = answered
    ? [
        textOf(answered).slice(0, ANSWER_CHARS),
        ...answered.parts.filter(isCall).map(({ text }) => text.slice(0, 200)),
      ]
    : null;
  const system = turns.find(({ role }) => role === 'system');
  return {
    session: session && { from: session.from, value: short(session.value) },
    agent: agent ? short(agent.value) : null,
    user: user === null ? null : short(user),
    opener,
    answer: said && digest(...said),
    lane: {
      tools: toolNames.length === 0 ? '' : digest(...[...toolNames].sort()),
      // Clocks and counters are digits.
      system: system ? digest(textOf(system).slice(0, SYSTEM_CHARS).replace(/\d+/g, '0')) : '',
    },
  };
}
