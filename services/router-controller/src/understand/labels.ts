/** What a name says that stands on a tag, a heading or before a colon: whose words they are. */

/** Words in the names of blocks that a program writes about itself and its surroundings. */
const HARNESS = new Set(
  (
    'reminder reminders env environment workspace system terminal terminals layout metadata status timestamp date time clock ' +
    'todo todos memory memories mode permissions stdout stderr hook ide editor cursor notice notification caveat returncode ' +
    'datetime observation exitcode tool function command commands skill skills agents policy session aborted interrupted'
  ).split(' '),
);
/** Two words that only together say it: `user_info`, `custom_instructions`, `project_rules`. */
const ABOUT = new Set(
  'user project custom repo repository git os machine client app agent open recent recently extra runtime browser step'.split(
    ' ',
  ),
);
const STATE = new Set(
  'info information instructions rules layout context status structure files state preferences details'.split(
    ' ',
  ),
);
/** Names of blocks that hold a human's words. */
const HUMAN = new Set('query request question task message input prompt ask feedback'.split(' '));
/** What is answered from, worked on or talked about. */
const DOCUMENT = new Set(
  (
    'context document documents doc docs source sources passage passages article articles excerpt excerpts results knowledge ' +
    'reference references text texts content data transcript conversation history chat dialogue email mail example examples ' +
    'notes code diff'
  ).split(' '),
);
const NOW = new Set('current new latest actual'.split(' '));

/** `userRequest`, `user_query`, `User's query` and `user-query` are the same two words. */
export function nameWords(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/['’]s?(?![a-z])/gi, '')
    .toLowerCase()
    .split(/[-_.:\s]+/)
    .filter((word) => word !== '' && word !== 'the' && word !== 'your');
}

/** `user_query`: a program's name for what somebody else said. */
export function namesUser(words: readonly string[]): boolean {
  const [first] = words;
  return (
    words.length > 1 &&
    words.length <= 3 &&
    (first === 'user' || first === 'human') &&
    HUMAN.has(words.at(-1)!)
  );
}

/** Of a heading, or what stands before a colon. */
export function labelKind(words: readonly string[]): 'user' | 'ask' | 'question' | null {
  if (namesUser(words)) return 'user';
  const last = words.at(-1) ?? '';
  if (!HUMAN.has(last)) return null;
  if (words.length === 1) return 'question';
  if (words.length > 3 || !NOW.has(words[0]!)) return null;
  return words[1] === 'user' || words[1] === 'human' ? 'user' : 'ask';
}

export function isSurroundings(words: readonly string[]): boolean {
  if (words.length < 2 || words.length > 4) return false;
  return words.some((word) => HARNESS.has(word)) || (ABOUT.has(words[0]!) && STATE.has(words.at(-1)!));
}

/** `agent_history` is what a program did, no document. */
const OWN = new Set('agent browser step machine runtime extra additional'.split(' '));

export const isDocument = (words: readonly string[]): boolean =>
  DOCUMENT.has(words.at(-1) ?? '') && !OWN.has(words[0]!);

export type BlockKind = 'human' | 'harness' | 'data';

/** Of a block in a tag of this name. */
export function blockKind(name: string): BlockKind {
  const words = nameWords(name);
  const last = words.at(-1) ?? '';
  const first = words[0] ?? '';
  if (
    HUMAN.has(last) &&
    (words.length === 1 || first === 'user' || first === 'human' || first === 'current' || first === 'new')
  )
    return 'human';
  // What a human typed behind a command's name.
  if (words.length === 2 && first === 'command' && /^(?:args|arguments)$/.test(last)) return 'human';
  // `<system>` and `<time>` alone are also names of data in people's own mark-up.
  if (words.length > 1 && words.some((word) => HARNESS.has(word))) return 'harness';
  if (words.length === 1 && /^(?:returncode|stdout|stderr|observation|reminder)$/.test(first))
    return 'harness';
  if (words.length > 1 && ABOUT.has(first) && STATE.has(last)) return 'harness';
  // `<info-msg>`: a program's note to the model.
  if (words.length === 2 && STATE.has(first) && /^(?:msg|note|notes|block)$/.test(last)) return 'harness';
  return 'data';
}
