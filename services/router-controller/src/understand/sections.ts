/**
 * Sections that a program's template puts labels on: `Current Task:`, `## User request`, `USER'S INPUT` underlined,
 * `Thought:`. Told by what the label names; texts without a label that names somebody's words stay as they are.
 */
import { isDocument, isSurroundings, labelKind, nameWords } from './labels.ts';

interface Section {
  /** Empty for what stands before the first label. */
  readonly label: string;
  readonly heading: boolean;
  readonly body: string;
}

type SectionKind = 'user' | 'ask' | 'question' | 'program' | 'surroundings' | 'document' | 'other';

/** Lines looked at, and the length to which a label is one. */
const MOST_LINES = 500;
const MOST_LABEL = 80;

const HEADING = /^#{1,6}[ \t]+([^\n]{1,80})$/;
const UNDERLINE = /^[ \t]{0,3}(?:-{4,}|={4,})[ \t]*$/;
const KEY =
  /^[ \t]{0,3}(?:[-*>][ \t]{1,3})?\*{0,2}([\p{L}][\p{L}\d '’/()_-]{0,78})\*{0,2}:\*{0,2}(?:[ \t]|$)/u;
/** What a text protocol writes between its steps. */
const STEP = /^(?:thoughts?|actions?|action inputs?|observations?|final answer|code|reflection)$/i;
/** What a template says of the answer that it wants, and how it calls for one. */
const EXPECTS = /\bexpect(?:ed|ation|ations)\b/i;
const BEGINS = /^begin!/i;

/** Where a template's own text can begin at all. */
const MAY_LABEL =
  /(?:^|\n)[ \t]{0,3}(?:#{1,6}[ \t]+|[-*>][ \t]{1,3})?\*{0,2}(?:(?:the |your )?(?:current|new|latest|actual|user|human)(?:['’]s)?[ _-]|(?:question|query|input|task|request)\*{0,2}:)/i;

function kindOf({ label }: Section): SectionKind {
  if (label === '') return 'other';
  if (STEP.test(label) || BEGINS.test(label) || EXPECTS.test(label)) return 'program';
  const words = nameWords(label);
  const named = labelKind(words);
  if (named !== null) return named;
  if (isSurroundings(words)) return 'surroundings';
  return isDocument(words) ? 'document' : 'other';
}

function split(text: string): Section[] {
  const sections: Section[] = [];
  const lines = text.split('\n', MOST_LINES + 1);
  // A text of more lines is no template's alone.
  if (lines.length > MOST_LINES) return [];
  const known = new Map<string, boolean>();
  const starts = (key: string) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const found = startsSection(key);
    known.set(key, found);
    return found;
  };
  let label = '';
  let heading = false;
  let body: string[] = [];
  const close = () => {
    if (label !== '' || body.some((line) => line.trim() !== '')) {
      sections.push({ label, heading, body: body.join('\n').trim() });
    }
    body = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const title = line.length <= MOST_LABEL && line.startsWith('#') ? HEADING.exec(line) : null;
    const under =
      !title && line.length <= MOST_LABEL && UNDERLINE.test(lines[i + 1] ?? '') && line.trim() !== '';
    const colon = title || under ? -1 : line.indexOf(':');
    const key = colon > 0 && colon <= MOST_LABEL + 8 ? KEY.exec(line.slice(0, MOST_LABEL + 12)) : null;
    if (title || under) {
      close();
      label = (title?.[1] ?? line).replace(/[*#:]+/g, '').trim();
      heading = true;
      if (under) i++;
    } else if (BEGINS.test(line)) {
      close();
      label = 'Begin!';
      heading = false;
    } else if (key && starts(key[1]!)) {
      close();
      label = key[1]!.trim();
      heading = false;
      body.push(line.slice(key[0].length));
    } else body.push(line);
  }
  close();
  return sections;
}

/** Of lines with a colon only those count whose label says what stands behind it. */
function startsSection(key: string): boolean {
  if (STEP.test(key.trim()) || EXPECTS.test(key)) return true;
  const words = nameWords(key);
  return words.length <= 6 && (labelKind(words) !== null || isSurroundings(words) || isDocument(words));
}

const joined = (bodies: readonly string[]) => bodies.filter((body) => body !== '').join('\n\n');

/**
 * @param agentic the request is an agent's: what its program says of the surroundings is no part of the ask.
 * @returns the words that a label names, with the data that belongs to them; null: no template is seen.
 */
export function sectionWords(text: string, agentic: boolean): string | null {
  if (!MAY_LABEL.test(text)) return null;
  const sections = split(text);
  if (sections.length === 0) return null;
  const kinds = sections.map(kindOf);
  const steps = new Set(
    sections.filter(({ label }) => STEP.test(label)).map(({ label }) => label.toLowerCase()),
  );
  // A protocol that explains its own steps: the question is the last that is put.
  if (steps.size >= 3) {
    const asked = kinds.findLastIndex(
      (kind, i) => (kind === 'user' || kind === 'ask' || kind === 'question') && sections[i]!.body !== '',
    );
    if (asked >= 0) return sections[asked]!.body;
  }
  const lead = kinds.findIndex((kind) => kind !== 'program' && kind !== 'surroundings');
  const user = kinds.indexOf('user');
  // What a program calls the user's own words, all else under labels of its own.
  if (user >= 0 && sections[user]!.body !== '' && sections[0]!.label !== '') {
    const words = sections.filter((_, i) => kinds[i] === 'user').map(({ body }) => body);
    const rest = sections.filter(
      (_, i) => kinds[i] === 'ask' || (!agentic && (kinds[i] === 'document' || kinds[i] === 'other')),
    );
    return joined([...words, ...rest.map(({ label, body }) => `${label}: ${body}`)]);
  }
  if (lead < 0 || kinds[lead] !== 'ask' || sections[lead]!.body === '') return null;
  const kept = sections.filter((_, i) => kinds[i] !== 'program' && (kinds[i] !== 'surroundings' || !agentic));
  return joined(
    kept.map((section) =>
      section === sections[lead] ? section.body : `${section.label}: ${section.body}`.trim(),
    ),
  );
}
