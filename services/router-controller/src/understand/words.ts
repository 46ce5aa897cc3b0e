/**
 * A human's words apart from what a program put around them. Told by structure: blocks in tags whose names speak of
 * state, reminders or results; texts that begin as results of tools do; canned texts.
 */
import { cutMiddle } from './cut.ts';
import { blockKind, isDocument, namesUser, nameWords } from './labels.ts';

export interface Words {
  /** What a human wrote, with the data that belongs to it; empty where nothing is left. */
  readonly text: string;
  /** What was taken out, in words; null: nothing. */
  readonly harness: string | null;
}

/** Of a longer text head and tail are looked at. */
const MOST_CHARS = 24_000;
const MOST_BLOCKS = 48;

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

/** What a summary tells of the work, without the client's words around it: "is summarized below" asks for no summary. */
export function summaryWords(text: string): string {
  const lines = text.trim().split('\n');
  const from = lines.length > 1 && isSummary(lines[0]!) ? 1 : 0;
  const to = lines.length - from > 1 && isContinue(lines.at(-1)!) ? lines.length - 1 : lines.length;
  return lines.slice(from, to).join('\n').trim() || text;
}

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

/** Keys and tags of what a program knows of the moment. */
const MOMENT =
  /^(?:current[_ -]?)?(?:date|time|datetime|timestamp|time[_ -]?zone|weekday|day|locale|language|os|platform|cwd|user(?:[_ -]?name)?|version|session|location|city|country)$/i;
const ENTRY = /^\s*(?:<([\w -]{1,30})>[^<>\n]{0,120}<\/[\w -]{1,30}>|([\w -]{1,30}):[ \t][^\n]{0,120})\s*$/;
const MOST_MOMENT = 800;

/** A system prompt without blocks that tell nothing but the moment: whatever they are called, they are no documents. */
export function withoutMoment(text: string): string {
  if (!text.includes('</')) return text;
  let out = '';
  let at = 0;
  for (const { inner, from, to } of topBlocks(text)) {
    const lines = inner.length > MOST_MOMENT ? [] : inner.split('\n').filter(said);
    const entries = lines.map((line) => ENTRY.exec(line));
    if (lines.length === 0 || !entries.every((entry) => entry && MOMENT.test(entry[1] ?? entry[2]!)))
      continue;
    out += text.slice(at, from);
    at = to;
  }
  return (out + text.slice(at)).trim();
}

/** Where a tag can be that names a user's words. */
const MAY_FRAME = /<(?:user|human)[-_.A-Z]/i;
/** Around what else a program tells: state, context, inputs. */
const HOLDS = /^(?:state|context|info|details|input|step|turn)$/;

const framesUser = ({ name }: Block): boolean => namesUser(nameWords(name));

/**
 * True for a message that is nothing but tags, one of which names the user's words: a program set them apart, so what stands
 * in the other tags is its own.
 */
export function isFrame(texts: readonly string[]): boolean {
  if (!texts.some((text) => MAY_FRAME.test(text.slice(0, MOST_CHARS)))) return false;
  let framed = false;
  for (const whole of texts) {
    const { text } = cutMiddle(whole, MOST_CHARS);
    let at = 0;
    for (const block of topBlocks(text)) {
      if (said(text.slice(at, block.from))) return false;
      at = block.to;
      framed ||= framesUser(block) || heldWords(block) !== null;
    }
    if (said(text.slice(at))) return false;
  }
  return framed;
}

/** The user's words within what a program tells of its state. */
function heldWords({ name, inner }: Block): string | null {
  if (!HOLDS.test(nameWords(name).at(-1) ?? '') || !MAY_FRAME.test(inner)) return null;
  return topBlocks(inner).find(framesUser)?.inner.trim() ?? null;
}

export interface Frame {
  /** See {@link isFrame}. */
  readonly framed: boolean;
  /** An agent's request; others answer from the documents beside the words. */
  readonly agentic: boolean;
}

/**
 * @param afterAnswer an assistant's turn came before: only then can a text be a tool's result.
 */
export function humanWords(
  whole: string,
  afterAnswer: boolean,
  { framed, agentic }: Frame = { framed: false, agentic: false },
): Words {
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
    const held = framed && kind !== 'human' ? heldWords(block) : null;
    if (held !== null) {
      outputOnly = false;
      asked.push(held);
    } else if (kind === 'harness' || (framed && kind === 'data' && !belongs(block, agentic)))
      taken.push(block.name);
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

/** Documents belong to the words beside them where no agent works with tools on them. */
const belongs = ({ name }: Block, agentic: boolean): boolean => !agentic && isDocument(nameWords(name));

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
