/**
 * A rough guess by cue words, only for the time in which the classifier is away and only when
 * `classifier.heuristic` asks for it. It is not the classifier and never overrules it.
 */
import type { Policy } from '../../config/types.ts';

/** Both in a line, in this order; as one pattern it would read the line's rest again for every first word. */
function inOneLine(first: RegExp, then: RegExp): Pick<RegExp, 'test'> {
  return {
    test: (text) =>
      text.split(/[\n\r\u2028\u2029]/).some((line) => {
        const at = line.search(first);
        return at >= 0 && then.test(line.slice(at));
      }),
  };
}

/** Each takes time in proportion to the text (observe/client-text.test.ts): no two repetitions meet the same characters. */
const CUES: readonly (readonly [label: string, pattern: Pick<RegExp, 'test'>])[] = [
  [
    'Few-Shot',
    /(?:^|\n)[^\S\n]*(?:q|input|example)[^\S\n]*(?:\d+[^\S\n]*)?[:=-][^\n]+\n(?:[^\S\n]*\n){0,2}[^\S\n]*(?:a|output|answer)[^\S\n]*(?:\d+[^\S\n]*)?[:=-]/i,
  ],
  [
    'Code Generation',
    /```|\b(?:function|python|javascript|typescript|sql|regex|bash|script|code|stack ?trace|compile|refactor)\b/i,
  ],
  ['Summarization', /\b(?:summar(?:y|ise|ize)|tl;?dr|gist|key points|boil (?:it|this) down)\b/i],
  [
    'Rewrite',
    /\b(?:rewrite|rephrase|paraphrase|translate|proofread|correct the grammar|more formal|politer)\b/i,
  ],
  ['Extraction', /\b(?:extract|pull out|list (?:all|every)|find all|which (?:names|dates|numbers))\b/i],
  ['Classification', /\b(?:classify|categori[sz]e|sentiment|spam or|positive or negative)\b/i],
  ['Closed QA', /\b(?:according to|based on the (?:text|passage)|from the (?:text|passage|context))\b/i],
  ['Brainstorming', /\b(?:brainstorm|ideas? for|suggest(?:ions)?|come up with|names for)\b/i],
  [
    'Text Generation',
    inOneLine(
      /\b(?:write|draft|compose)\b/i,
      /\b(?:letter|email|story|poem|essay|post|article|speech|song)\b/i,
    ),
  ],
  [
    'Constraint',
    /\b(?:exactly|at most|no more than|without using|must (?:not )?|in \d+ words|haiku|bullet points)\b/i,
  ],
  ['Creativity', /\b(?:story|poem|song|imagine|slogan|fiction)\b/i],
  ['Reasoning', /\b(?:solve|prove|how many|step by step|puzzle|riddle|why does)\b/i],
  ['Open QA', /^\s*(?:what|who|when|where|why|how|which|is|are|does|do|can)\b.*\?/i],
  ['Domain-Knowledge', /\b(?:explain|what is|history of|define)\b/i],
  ['Chatbot', /^\s*(?:hi|hello|hey|thanks|good (?:morning|evening))\b/i],
];

/** The first cue whose label the policy has, or null. */
export function guessLabel(policy: Policy, text: string): string | null {
  const head = text.slice(0, 4_000);
  for (const [label, pattern] of CUES) {
    if (policy.entries.has(label) && pattern.test(head)) return label;
  }
  return null;
}
