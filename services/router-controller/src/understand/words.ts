/**
 * A human's words apart from what a program put around them. Told by structure: blocks in tags whose names speak of
 * state, reminders or results; texts that begin as results of tools do; canned texts.
 */
import { cutMiddle } from './cut.ts';

export interface Words {
  /** What a human wrote, with the data that belongs to it; empty where nothing is left. */
  readonly text: string;
  /** What was taken out, in words; null: nothing. */
  readonly harness: string | null;
}

/** Of a longer text head and tail are looked at. */
const MOST_CHARS = 24_000;
const MOST_BLOCKS = 48;

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
  'user project custom repo repository git os machine client app agent open recent recently extra runtime'.split(
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

/** `userRequest`, `user_query` and `user-query` are the same two words. */
function nameWords(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[-_.:]+/)
    .filter((word) => word !== '');
}

type BlockKind = 'human' | 'harness' | 'data';

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
  return 'data';
}

interface Block {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly inner: string;
}

const TAG = /<([A-Za-z][\w:.-]{0,63})(?:\s[^<>\n]{0,300})?>/y;

/** Blocks that begin at the start of a line and are closed; none inside another. Linear but for a bounded number of names. */
function topBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  const open = new Set<string>();
  for (let at = text.indexOf('<'); at >= 0 && blocks.length < MOST_BLOCKS && open.size < MOST_BLOCKS; ) {
    let next = at + 1;
    const lineStart = at === 0 || /\s/.test(text[at - 1]!) || text[at - 1] === '>';
    TAG.lastIndex = at;
    const found = lineStart ? TAG.exec(text) : null;
    if (found && !open.has(found[1]!)) {
      const close = `</${found[1]}>`;
      const end = text.indexOf(close, at + found[0].length);
      if (end < 0) open.add(found[1]!);
      else {
        next = end + close.length;
        blocks.push({ name: found[1]!, from: at, to: next, inner: text.slice(at + found[0].length, end) });
      }
    }
    at = text.indexOf('<', next);
  }
  return blocks;
}

const RESULT_HEAD =
  /^(?:\[[^\]\n]{1,200}\]\s*|(?:the\s+)?(?:tool|command|function|execution|shell|bash|terminal|code|python)\s+)?(?:results?|outputs?|observations?|response|return ?code|exit ?code|stdout)\b[^\n:]{0,120}:|^(?:\w+\s+){0,2}hook\s+(?:feedback|output|result|error|message)\b[^\n:]{0,80}:/i;
/** Nothing but the head of a result, which stands in the next parts: what comes before the colon names the tool. */
const BARE_HEAD = /^\[[^\]\n]{1,200}\]\s*(?:results?|outputs?|response)[ \t]{0,4}:\s*$/i;
/** A shell that waits for its next command, after what a program says of its state. */
const AT_PROMPT = /(?:^|\n)\([\w ]{1,40}: [^\n]{0,300}\)\n[^\n]{0,80}[$#]\s*$/;
const BRACKETED = /^\[[^\]{"]{1,400}\]$/;
/** Also a note's heading in capitals, of two words and more: `[TASK RESUMPTION]`, `[SUGGESTION MODE: …]`. */
const RETRY =
  /^\[(?:(?:[Ee]rror|ERROR|[Ww]arning|WARNING|[Nn]otice|NOTICE|[Ss]ystem|SYSTEM)[^\]\n]{0,60}\]|[A-Z]{3,20}(?:[ _-][A-Z]{3,20}){1,4}(?:\]|: ))/;
const CONTINUE =
  /^(?:please\s+|ok(?:ay)?[,.]?\s+|now\s+)?(?:continue|proceed|go on|go ahead|keep going|keep working|carry on|resume|weiter|bitte weiter|continúa|continuez|继续|続けて)(?![\w-])/i;
const SUMMARY =
  /^(?:another|a previous|the previous|an earlier) (?:language )?(?:model|assistant|agent)\b[^\n]{0,160}\bsummary\b|^(?:below|here|this|the following) is (?:the|a|an?|your) (?:\w+ ){0,2}?summary of (?:the|our|your|this|my) (?:\w+ )?(?:conversation|session|chat|work so far|progress so far)\b|^(?:this|the) (?:session|conversation|chat)\b[^\n]{0,160}\b(?:continued|continues|summari[sz]ed|ran out|compacted)/i;

/** A tool's result that a text protocol sends in a user's role. */
export const isResult = (text: string): boolean => {
  const head = text.slice(0, 400).trimStart();
  return RESULT_HEAD.test(head) || RETRY.test(head) || AT_PROMPT.test(text.slice(-500));
};
/** The head alone: the parts after it are the result. */
export const isBareHead = (text: string): boolean => text.length <= 300 && BARE_HEAD.test(text.trim());
/** "Please continue", also in the long words of a program that has no human to ask. */
export const isContinue = (text: string): boolean => text.length <= 600 && CONTINUE.test(text.trimStart());
/** A client's own summary in place of the turns that it took out. */
export const isSummary = (text: string): boolean => SUMMARY.test(text.slice(0, 400).trimStart());

const said = (text: string) => text.trim() !== '';

/** Blocks in which a program passes on what a human said about its work. */
const PASSED_ON = /^(?:feedback|answer|user[-_]?(?:message|request|feedback|query|response|answer|input))$/i;

/** What a human said at the end of a tool's result or a program's note; empty where nobody did. */
export function wordsWithin(text: string): string {
  if (!text.includes('</')) return '';
  const said = topBlocks(text);
  for (let i = said.length - 1, end = text.length; i >= 0; i--) {
    const block = said[i]!;
    if (text.slice(block.to, end).trim() !== '') return '';
    if (PASSED_ON.test(block.name)) return block.inner.trim();
    if (blockKind(block.name) !== 'harness') return '';
    end = block.from;
  }
  return '';
}

/**
 * @param afterAnswer an assistant's turn came before: only then can a text be a tool's result.
 */
export function humanWords(whole: string, afterAnswer: boolean): Words {
  const { text } = cutMiddle(whole, MOST_CHARS);
  const trimmed = text.trim();
  if (trimmed === '') return { text: '', harness: null };
  if (afterAnswer && BRACKETED.test(trimmed)) return { text: '', harness: 'a note in brackets' };
  if (afterAnswer && isResult(trimmed))
    return { text: wordsWithin(trimmed), harness: 'begins as a tool’s result' };
  if (!text.includes('<')) return { text, harness: null };

  const blocks = topBlocks(text);
  const taken: string[] = [];
  const kept: string[] = [];
  const asked: string[] = [];
  let at = 0;
  let outputOnly = blocks.length > 0;
  for (const block of blocks) {
    const between = text.slice(at, block.from);
    if (said(between)) {
      kept.push(between);
      outputOnly = false;
    }
    at = block.to;
    const kind = blockKind(block.name);
    if (kind === 'harness') taken.push(block.name);
    else if (kind === 'human') {
      outputOnly = false;
      const inner = block.inner.includes('<') ? withoutHarness(block.inner) : block.inner;
      asked.push(inner.trim());
    } else {
      if (!/^(?:output|outputs|result|results|response|error)$/i.test(block.name)) outputOnly = false;
      kept.push(text.slice(block.from, block.to));
    }
  }
  const rest = text.slice(at);
  if (said(rest)) {
    kept.push(rest);
    outputOnly = false;
  }
  if (taken.length === 0 && asked.length === 0 && !(outputOnly && afterAnswer))
    return { text, harness: null };
  const names = [...new Set(taken)].slice(0, 4).map((name) => `<${name}>`);
  if (outputOnly && afterAnswer) return { text: '', harness: names[0] ?? `<${blocks[0]!.name}>` };
  // The words first, what they are about after them.
  const words = [...asked.filter(said), ...kept.map((piece) => piece.trim())].join('\n\n');
  return { text: words, harness: names.length > 0 ? names.join(', ') : null };
}

function withoutHarness(text: string): string {
  let out = '';
  let at = 0;
  for (const block of topBlocks(text)) {
    if (blockKind(block.name) !== 'harness') continue;
    out += text.slice(at, block.from);
    at = block.to;
  }
  return out + text.slice(at);
}
