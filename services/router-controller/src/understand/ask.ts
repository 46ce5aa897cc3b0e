/** The ask: what a human, or a pipeline's author, wants now. */
import { cutMiddle } from './cut.ts';
import type { Ask, AskSource, TurnFacts } from './facts.ts';
import { formWords } from './form.ts';
import { type Around, readSystem, type SystemReading } from './instruction.ts';
import { remembered } from './remembered.ts';
import { sectionWords } from './sections.ts';
import { type Body, type Conversation, type Turn, textOf } from './turns.ts';
import {
  humanWords,
  isBareHead,
  isContinue,
  isFrame,
  isSummary,
  summaryWords,
  withoutMoment,
  wordsWithin,
} from './words.ts';

export interface AskSettings {
  /** Human turns that are classified together; 1: the last. */
  readonly turns: number;
  readonly max_chars: number;
}

interface Human {
  readonly at: number;
  readonly text: string;
  /** Without text: a medium alone. */
  readonly media: boolean;
}

export interface Opening {
  readonly at: number;
  readonly text: string;
  /** Index behind its last turn: the answer that tells it from others like it stands from here on. */
  readonly until: number;
}

export interface AskReading {
  readonly ask: Ask;
  readonly turn: TurnFacts;
  readonly system: SystemReading | null;
  /** First human turn; null: none. */
  readonly first: Opening | null;
  readonly evidence: string;
  /** Text of the last user turn as it came, and of the system prompt's beginning. */
  readonly lastUser: string;
  readonly systemText: string;
}

const SYSTEM_CHARS = 6_000;
/** Of a system prompt in front of its data: what the classifier reads is little. */
const INSTRUCTION_CHARS = 1_500;
const HISTORY_CHARS = 700;
const ANSWER_CHARS = 240;
const HISTORY_TURNS = 2;

const THANKS =
  /^(?:(?:ok(?:ay)?|great|perfect|nice|wow|cool|awesome|excellent|wonderful|lovely|super|yes|no|alright)[\s,.!]+)*(?:many thanks|thanks?(?: you)?|thx|ty|cheers|bye(?: bye)?|goodbye|good ?night|see you|danke(?: schön)?|merci(?: beaucoup)?|gracias|obrigado|obrigada|grazie|спасибо|谢谢|ありがとう|감사합니다)(?![\w-])(?:\s+(?:so|very|much|a|lot|again|for|all|your|the|that|this|it|you|everything|help|works?|perfectly|was|is|great|me|viel|vielmals|mille))*[\s!.…:)❤🙏]*$/iu;

const wordCount = (text: string) => text.trim().split(/\s+/, 6).length;

/** Says little by itself: at most three words, or none that has letters. */
function leansOn(text: string): boolean {
  const trimmed = text.trim();
  if (trimmed.length > 60) return false;
  const dense = /[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]/.test(trimmed);
  return dense ? trimmed.length <= 6 : wordCount(trimmed) <= 3;
}

/** "Ok, I won't edit those files.": what clients write themselves between files, or surroundings, and the ask. */
const ACKNOWLEDGES =
  /^(?:ok(?:ay)?|got it|understood|noted|acknowledged|alright)\b[^?]{0,30}\b(?:i will|i won['’]t|i['’]ll|any changes|thanks for|thank you for)\b[^?]*$/i;

function acknowledges({ parts }: Turn): boolean {
  const [only] = parts;
  return (
    parts.length === 1 && only!.kind === 'text' && only!.text.length <= 120 && ACKNOWLEDGES.test(only!.text)
  );
}

/** Humans' turns from the last one backwards: as many as are needed, and the first. */
function readHumans(turns: readonly Turn[], wanted: number, agentic: boolean) {
  const humans: Human[] = [];
  let harness: string | null = null;
  let continued = false;
  let summary: Human | null = null;
  const answeredBefore = (at: number) => {
    for (let i = at - 1; i >= 0; i--)
      if (turns[i]!.role === 'assistant' || turns[i]!.role === 'tool') return true;
    return false;
  };
  // The last turn is the first one as well, nearly always.
  const known = new Map<number, Human | null>();
  const read = (at: number): Human | null => {
    let human = known.get(at);
    if (human === undefined) {
      human = readTurn(at);
      known.set(at, human);
    }
    return human;
  };
  const readTurn = (at: number): Human | null => {
    const turn = turns[at]!;
    const after = answeredBefore(at);
    const pieces: string[] = [];
    // A head alone says that the parts behind it are a tool's result.
    let within = false;
    const texts = turn.parts.filter(({ kind }) => kind === 'text').map((part) => part.text);
    const frame = { framed: isFrame(texts), agentic };
    for (const part of turn.parts) {
      if (part.kind !== 'text') continue;
      within ||= after && isBareHead(part.text);
      const words = within
        ? { text: wordsWithin(part.text), harness: 'begins as a tool’s result' }
        : humanWords(part.text, after, frame);
      if (words.harness !== null) harness ??= words.harness;
      if (words.text.trim() !== '') pieces.push(words.text);
    }
    const plain = pieces.join('\n');
    const labelled = within ? null : sectionWords(plain, agentic);
    if (labelled !== null) harness ??= 'the labels of a template';
    const text = labelled ?? plain;
    if (text.trim() !== '') {
      if (!isSummary(text)) return { at, text, media: false };
      harness ??= 'a summary of earlier turns';
      summary ??= { at, text, media: false };
      return null;
    }
    const media = turn.parts.some(({ kind }) => kind === 'image' || kind === 'audio' || kind === 'file');
    // Words right before it, which nobody has answered yet, are about it.
    const about = media && turns[at - 1]?.role === 'user' && read(at - 1)?.text;
    if (about) return { at: at - 1, text: about, media: false };
    return media ? { at, text: '', media: true } : null;
  };
  for (let i = turns.length - 1; i >= 0 && humans.length < wanted; i--) {
    if (turns[i]!.role !== 'user') continue;
    const human = read(i);
    if (!human) continue;
    // "Please continue" goes on with the ask before it, where there is one.
    if (isContinue(human.text) && humans.length === 0 && answeredBefore(i)) {
      continued = true;
      summary ??= human;
      continue;
    }
    humans.push(human);
  }
  if (humans.length === 0 && summary) humans.push(summary);
  // All that was said before the first answer: agents put a project's instructions in front of the ask, the same for all
  // its sessions.
  const opening: Human[] = [];
  let until = 0;
  for (; until < turns.length; until++) {
    const i = until;
    const turn = turns[i]!;
    const canned = turn.role === 'assistant' && acknowledges(turn) && turns[i + 1]?.role === 'user';
    if (opening.length > 0 && turn.role === 'assistant' && !canned) break;
    const human = turns[i]!.role === 'user' ? read(i) : null;
    if (human) opening.push(human);
  }
  const earliest = opening[0] ?? humans.at(-1);
  const first: Opening | null = earliest
    ? {
        at: earliest.at,
        text: (opening[0] ? opening : [earliest]).map(({ text }) => text).join('\n'),
        until: opening[0] ? until : earliest.at,
      }
    : null;
  return {
    humans,
    harness: harness as string | null,
    continued,
    first,
    summary,
  };
}

function historyText(turns: readonly Turn[], now: Human, before: readonly Human[]): string | null {
  if (before.length === 0) return null;
  const answer = turns.slice(0, now.at).findLast(({ role }) => role === 'assistant');
  const said = answer ? textOf(answer).trim() : '';
  // What was asked back is what a bare answer answers; other answers are long and speak for nobody.
  const reply = said.endsWith('?') ? said.slice(-ANSWER_CHARS) : '';
  const pieces = [
    ...before
      .slice(0, HISTORY_TURNS)
      .map(({ text }) => cutMiddle(text, HISTORY_CHARS).text)
      .reverse(),
    reply,
    cutMiddle(now.text, HISTORY_CHARS).text,
  ];
  return pieces.filter((piece) => piece.trim() !== '').join('\n\n');
}

function mechanics(body: Body, answerTokens: number): number {
  const json = body.response_format !== undefined && body.response_format !== null;
  return Number(body.temperature === 0) + Number(json) + Number(answerTokens > 0 && answerTokens <= 64);
}

/** What is around it stands before the text, a digit each. */
const knownSystems = remembered((text) =>
  readSystem(withoutMoment(text.slice(2)), { answered: text[0] === '1', mechanical: Number(text[1]) }),
);
const systemReading = (text: string, { answered, mechanical }: Around) =>
  knownSystems(`${Number(answered)}${mechanical}${text}`);

export function readAsk(
  body: Body,
  { turns, messages }: Conversation,
  settings: AskSettings,
  { tools, agent, answerTokens }: { tools: boolean; agent: boolean; answerTokens: number },
): AskReading {
  const { humans, harness, continued, first, summary } = readHumans(
    turns,
    Math.max(settings.turns, HISTORY_TURNS + 1),
    tools || agent,
  );
  const answered = turns.some(({ role }) => role === 'assistant' || role === 'tool');
  const systemText = turns
    .filter(({ role }) => role === 'system')
    .map((turn) => textOf(turn))
    .join('\n\n')
    .slice(0, SYSTEM_CHARS);
  const system =
    tools || agent
      ? null
      : systemReading(systemText, { answered, mechanical: mechanics(body, answerTokens) });
  const now = humans[0] ?? null;
  const lastUser = turns.findLast(({ role }) => role === 'user');

  let source: AskSource;
  let text: string;
  let evidence = harness === null ? '' : `taken out: ${harness}`;
  const loop =
    now !== null && turns.slice(now.at + 1).some(({ role }) => role === 'assistant' || role === 'tool');
  if (!now) {
    // Beside a user's turn without words only an order counts; without any user the system prompt is the prompt.
    const asks = systemText.trim() !== '' && (!lastUser || (system !== null && system.kind !== 'persona'));
    source = asks ? 'system' : 'none';
    text = asks ? systemText : '';
  } else if (now.media) {
    source = 'media';
    // Somebody who sends a picture without a word wants to know what it shows.
    text = 'What is this?';
  } else {
    const instructs = system !== null && system.kind !== 'persona';
    source =
      now === summary && !continued ? 'summary' : instructs ? 'system+user' : loop ? 'earlier_user' : 'user';
    const own =
      settings.turns > 1
        ? humans
            .slice(0, settings.turns)
            .map((human) => human.text)
            .reverse()
            .join('\n\n')
        : now.text;
    if (instructs) {
      const order = cutMiddle(systemText.trim(), INSTRUCTION_CHARS).text;
      text = system.kind === 'context' ? `${order}\n\n${own}` : `Text: ${own}\n\n${order}`;
      evidence = [evidence, system.evidence].filter((each) => each !== '').join('; ');
    } else text = source === 'summary' ? summaryWords(own) : own;
  }
  if (continued)
    evidence = [evidence, '“continue” goes on with the ask before it']
      .filter((each) => each !== '')
      .join('; ');
  const { text: sent, cut } = cutMiddle(text, settings.max_chars);
  const before = humans.slice(1);
  // What an instruction says of each message needs no message before it.
  const history = now && !now.media && source !== 'system+user' ? historyText(turns, now, before) : null;
  const form = source === 'user' ? formWords(body) : null;
  const withForm = form === null ? null : `Text: ${cutMiddle(text, INSTRUCTION_CHARS).text}\n\n${form}`;
  const bare = now?.text ?? '';
  return {
    ask: { text: sent, source, cut, chars: text.length, withHistory: history, withForm },
    turn: {
      // Harness text alone after an answer goes on with the work as a tool's result does.
      // So does a result alone, whose conversation an upstream keeps.
      kind: !answered
        ? 'first'
        : !now
          ? turns.at(-1)?.role === 'tool'
            ? 'loop'
            : 'first'
          : loop
            ? 'loop'
            : 'next',
      humanTurns: humans.length,
      messages,
      leans: before.length > 0 && leansOn(bare),
      closes: THANKS.test(bare.slice(0, 200).trim()),
    },
    system,
    first,
    evidence,
    lastUser: lastUser ? textOf(lastUser) : '',
    systemText,
  };
}

/** A legacy completion's prompt is one text of one author. */
export function promptAsk(text: string, { max_chars }: AskSettings): Ask {
  return {
    ...cutMiddle(text, max_chars),
    source: text.trim() === '' ? 'none' : 'prompt',
    chars: text.length,
    withHistory: null,
    withForm: null,
  };
}
