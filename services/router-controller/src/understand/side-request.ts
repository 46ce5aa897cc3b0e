/** Requests that a client makes on its own account about a conversation: titles, tags, search queries, summaries. */
import type { SideRequest } from './facts.ts';
import { remembered } from './remembered.ts';

/** Instructions stand at the beginning; what is quoted after them may be of any length. */
const HEAD = 1_600;
const QUOTED =
  /<(?:chat_history|conversation|chat|transcript|messages|history|session|dialogue|diff|text|user_message|user_messages)\b|(?:chat|conversation) history[ \t]{0,4}:|(?:^|\n)[ \t]{0,8}(?:[|>*\][-]{1,4}[ \t]{0,4})?(?:user|human|assistant|ai)\*{0,2}[ \t]{0,4}:|(?:^|\n)#{1,4} (?:user|human|assistant)\b|(?:^|\n)diff --git|"role"\s{0,4}:/i;
const VERB =
  'generate|create|write|make|give|produce|provide|suggest|come up with|summari[sz]e|output|return|analy[sz]e|propose|compose|determine|extract|name|craft|add';
const TALK = 'chat|conversation|session|thread|discussion|dialogue|messages?|exchange|query|prompt';

interface Kind {
  readonly kind: SideRequest;
  readonly order: RegExp;
  /** Sources of patterns, one of which is found in whatever `order` is found in. */
  readonly needed: readonly string[];
  /** True where the order's words alone could be a human's own wish, so that a quoted conversation has to be there too. */
  readonly quoted: boolean;
}

/**
 * The ways in which something is ordered. A way may have two halves: what comes first, such as a verb, and what it can't do
 * without, which is rarer.
 */
type Ways = readonly (string | readonly [before: string, needed: string])[];

const anyOf = (sources: readonly string[]) => new RegExp(sources.join('|'), 'i');
const orderedBy = (ways: Ways): Pick<Kind, 'order' | 'needed'> => ({
  order: anyOf(ways.map((way) => (typeof way === 'string' ? way : way.join('')))),
  needed: ways.map((way) => (typeof way === 'string' ? way : way[1])),
});

const KINDS: readonly Kind[] = [
  {
    kind: 'compaction',
    ...orderedBy([
      `\\bsummary of (?:the|this|our) (?:conversation|chat|session)(?: so far)?\\b`,
      `\\bsummari[sz]e (?:the|this|our) (?:\\w+ )?(?:conversation|chat|session|history)\\b(?! (?:title|(?:in|with|using|under|within)(?: \\w+){0,2} \\d))`,
      `\\bcompact(?:ing|ion)?\\b[^\\n]{0,60}\\b(?:conversation|context|history)\\b`,
      `\\bcontext (?:checkpoint|compaction|compression)\\b`,
      `\\bhandoff summary\\b`,
    ]),
    quoted: false,
  },
  { kind: 'title', ...orderedBy(['isNewTopic', `\\bnew conversation topic\\b`]), quoted: false },
  {
    kind: 'title',
    ...orderedBy([
      [
        `\\b(?:${VERB})\\b[^\\n]{0,120}`,
        `\\b(?:title|heading|subject line|short name)s?\\b[^\\n]{0,120}\\b(?:${TALK})\\b`,
      ],
      `\\b(?:title|name) (?:for|of) (?:the|this|a|our) (?:\\w+ )?(?:${TALK})\\b`,
      [`\\b(?:${TALK})(?:'s)?`, ` title\\b`],
      [`\\b(?:${TALK})\\b[^\\n]{0,40}`, `\\btitles?\\b`],
      `\\bname (?:this|the) (?:\\w+ )?(?:${TALK})\\b`,
      `\\btitle generator\\b`,
    ]),
    quoted: true,
  },
  {
    kind: 'title',
    ...orderedBy([
      [
        `\\b(?:summari[sz]e|describe)\\b[^\\n]{0,60}\\b(?:${TALK})\\b[^\\n]{0,60}`,
        `\\b(?:in|with|using|under|within)\\b[^\\n]{0,30}\\b(?:words|characters)\\b`,
      ],
    ]),
    quoted: true,
  },
  // Titles of conversations in some languages whose clients are met often.
  {
    kind: 'title',
    ...orderedBy([
      '(?:titel|überschrift)[^\\n]{0,60}(?:chat|gespräch|unterhaltung|konversation)',
      ['(?:chat|gespräch|unterhaltung|konversation)[^\\n]{0,60}', 'titel'],
      'titre[^\\n]{0,60}(?:conversation|discussion|échange)',
      'título[^\\n]{0,60}(?:conversaci[oó]n|conversa|chat|charla)',
      'titolo[^\\n]{0,60}(?:conversazione|chat)',
      '(?:заголовок|название)[^\\n]{0,60}(?:диалог|чат|беседы|разговор)',
      ['(?:对话|聊天|會話)[^\\n]{0,40}', '(?:标题|標題)'],
      ['(?:会話|チャット)[^\\n]{0,40}', 'タイトル'],
      ['(?:대화|채팅)[^\\n]{0,40}', '제목'],
    ]),
    quoted: true,
  },
  {
    kind: 'tags',
    ...orderedBy([
      [
        `\\b(?:${VERB})\\b[^\\n]{0,80}`,
        `\\b(?:tags|keywords|topics|categories|labels)\\b[^\\n]{0,120}\\b(?:${TALK})\\b`,
      ],
      [`\\bassign\\b[^\\n]{0,60}`, `\\btags\\b`],
    ]),
    quoted: true,
  },
  {
    kind: 'follow_ups',
    ...orderedBy([
      [
        `\\b(?:${VERB})\\b[^\\n]{0,100}`,
        `\\b(?:follow[- ]?up|next|related)\\b[^\\n]{0,40}\\b(?:questions?|prompts?|messages|replies|buttons)\\b`,
      ],
      `\\bbuttons? (?:that )?the user could\\b`,
      `\\bsuggest what the user (?:might|may|could|would)\\b[^\\n]{0,40}\\b(?:type|say|ask|write)\\b`,
    ]),
    quoted: true,
  },
  {
    kind: 'query',
    ...orderedBy([
      `\\b(?:standalone|stand-alone|self-contained) (?:question|query)\\b`,
      [`\\b(?:${VERB})\\b[^\\n]{0,100}`, `\\b(?:search|retrieval|web) (?:quer(?:y|ies)|phrases?)\\b`],
      `\\bsub-?questions? for retrieval\\b`,
      `\\bsearch queries are (?:needed|necessary)\\b`,
      [`\\b(?:need|necessity)\\b[^\\n]{0,40}`, `\\bsearch quer`],
    ]),
    quoted: true,
  },
  {
    kind: 'query',
    ...orderedBy([
      [
        `\\b(?:${VERB})\\b[^\\n]{0,80}`,
        `\\bversions? of the (?:given |original |user'?s? ){0,3}(?:question|query)\\b[^\\n]{0,160}\\b(?:retriev|vector|search)`,
      ],
    ]),
    quoted: false,
  },
  {
    kind: 'commit_message',
    ...orderedBy([
      `\\b(?:git )?commit messages?\\b[^\\n]{0,400}`,
      `\\bpull request (?:title|description)\\b`,
    ]),
    quoted: true,
  },
  {
    kind: 'autocomplete',
    ...orderedBy([
      `\\bautocomplet(?:e|ion) (?:system|the text)\\b`,
      `\\bcomplete the (?:user'?s )?(?:text|query|message|search)\\b[^\\n]{0,80}`,
    ]),
    quoted: true,
  },
];

/** A text without any of it orders nothing. One walk over it in place of each kind's own: most prompts have none. */
const NEEDED = anyOf(KINDS.flatMap(({ needed }) => needed));

/** Which kinds the beginning of a system prompt orders, by their places. */
const ordersOf = remembered((system) => KINDS.map(({ order: words }) => words.test(system)));

/** How a program's own note in a user's role begins. */
const NOTE = /^\s*\[[A-Z]{3,20}(?:[ _-][A-Z]{3,20}){0,4}(?:\]|: )/;
const ALONE =
  /\b(?:formulate|rephrase|rewrite|reformulate|create|generate|make|produce|write)\b[^\n]{0,160}\b(?:standalone|stand-alone|self-contained) (?:question|query)\b/i;
const THIS = new RegExp(`\\b(?:this|the|our) (?:\\w+ )?(?:${TALK})\\b`, 'i');
/** A span of words and a ban on all else: how programs order what they will show. */
const FORM =
  /\b(?:\d+\s*(?:-|–|to)\s*\d+|\d+|three|four|five|six)[ -](?:or[ -]less[ -])?(?:words?|characters)\b[\s\S]{0,600}\b(?:only|just|nothing else|preamble|omit(?:ting)?|(?:no|without)(?: any)? (?:punctuation|quotes|explanation|preamble|formatting)|straight to)\b|\b(?:only|just|reply with|output)\b[^\n]{0,60}\b(?:title|tags|json)\b[\s\S]{0,200}\b(?:quotes|punctuation|preamble|nothing else)\b/i;

export interface SideReading {
  readonly kind: SideRequest;
  readonly evidence: string;
}

export interface SideInput {
  /** The system prompt, where it is short. */
  readonly system: string;
  /** The last words of the user's role, as they came. */
  readonly user: string;
  readonly tools: boolean;
  /** A human has spoken more than once, or somebody has answered. */
  readonly answered: boolean;
  readonly answerTokens: number;
}

/**
 * @returns null for a request that somebody waits for. Without a system prompt of its own an order counts only where a
 * conversation or a diff is quoted behind it: people write titles too.
 */
export function readSideRequest({
  system,
  user,
  tools,
  answered,
  answerTokens,
}: SideInput): SideReading | null {
  const inSystem = system.slice(0, HEAD);
  const inUser = user.slice(0, HEAD);
  const ordered = ordersOf(inSystem);
  if (!ordered.includes(true) && !NEEDED.test(inUser)) return null;
  for (const [index, { kind, order: words, quoted }] of KINDS.entries()) {
    if (kind === 'compaction') {
      // It comes at the end of the conversation itself, with its tools.
      const found = words.test(inUser)
        ? 'the user’s role'
        : !tools && ordered[index]
          ? 'the system prompt'
          : null;
      const machine =
        /\byour task is to\b|\bdetailed summary\b|\bso far\b|\bCRITICAL\b|\bcheckpoint\b|\bhandoff\b|\bcompact|<(?:summary|analysis|conversation|state)/i;
      if (
        found &&
        (machine.test(`${inSystem}\n${inUser}`) ||
          (found === 'the system prompt' && QUOTED.test(user.slice(0, 8_000)))) &&
        (answered || QUOTED.test(user.slice(0, 8_000)) || found === 'the system prompt')
      )
        return { kind, evidence: `${found} orders a summary of the conversation` };
      continue;
    }
    // Within an agent's conversation only a program's own note orders it.
    if (tools) {
      if (NOTE.test(inUser) && words.test(inUser)) return { kind, evidence: 'a note in brackets orders it' };
      continue;
    }
    // Chains that make one question of a conversation send its turns as they are.
    if (answered && kind === 'query' && ALONE.test(inSystem))
      return { kind, evidence: 'the system prompt orders a question that stands alone' };
    // A conversation that goes on has a human in it; clients quote it instead.
    if (!answered && ordered[index]) return { kind, evidence: 'the system prompt orders it' };
    if (!words.test(inUser)) continue;
    const told = user.slice(0, 8_000);
    if (!quoted || QUOTED.test(told))
      return { kind, evidence: 'orders it for a conversation that it quotes' };
    if (answered && answerTokens > 0 && answerTokens <= 100)
      return { kind, evidence: `orders it at a conversation’s end, ${answerTokens} tokens of answer` };
    if (answered && THIS.test(inUser) && FORM.test(inUser))
      return { kind, evidence: 'orders it at a conversation’s end, in a program’s form' };
  }
  return null;
}
