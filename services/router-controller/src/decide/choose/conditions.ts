/** Whether a rule's condition holds for a request. Pure. */
import type { Condition, InnerCondition } from '../../config/schema-rules.ts';
import type { Headers, RequestFacts } from '../../understand/index.ts';

export interface Seen {
  readonly facts: RequestFacts;
  readonly headers: Headers;
  /** Null: the classifier has not been asked, or gave none. */
  readonly label: string | null;
  readonly confidence: number | null;
}

interface Range {
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

const within = ({ above, below }: Range, value: number) =>
  (above === undefined || value > above) && (below === undefined || value < below);

/** `true`: there is one; `false`: there is none; a list: one of these is there. */
const some = (wanted: boolean | readonly string[], has: readonly string[]) =>
  typeof wanted === 'boolean' ? wanted === has.length > 0 : has.some((each) => wanted.includes(each));

const listOf = <T>(value: T | null): readonly T[] => (value === null ? [] : [value]);

function headerHolds(wanted: boolean | readonly string[], value: Headers[string]): boolean {
  const given = value === undefined ? [] : typeof value === 'string' ? [value] : value;
  if (typeof wanted === 'boolean') return wanted === given.length > 0;
  const lower = given.map((each) => each.trim().toLowerCase());
  return wanted.some((each) => lower.includes(each.trim().toLowerCase()));
}

type Test = (when: InnerCondition, seen: Seen) => boolean;
type Tests = {
  readonly [Key in keyof Required<InnerCondition>]: (
    wanted: NonNullable<InnerCondition[Key]>,
    seen: Seen,
  ) => boolean;
};

const TESTS: Tests = {
  tools: (wanted, { facts: { features } }) =>
    typeof wanted === 'boolean' ? wanted === features.toolCount > 0 : some(wanted, features.tools),
  agent: (wanted, { facts }) => some(wanted, listOf(facts.features.agent)),
  tool_result_last: (wanted, { facts }) => wanted === facts.features.toolResultLast,
  images: (wanted, { facts }) => wanted === facts.features.images,
  audio: (wanted, { facts }) => wanted === facts.features.audio,
  files: (wanted, { facts }) => wanted === facts.features.files,
  tokens: (wanted, { facts }) => within(wanted, facts.features.tokens),
  answer_tokens: (wanted, { facts }) => within(wanted, facts.features.answerTokens),
  format: (wanted, { facts }) => wanted.includes(facts.features.format),
  stream: (wanted, { facts }) => wanted === facts.features.stream,
  path: (wanted, { facts }) => wanted.includes(facts.features.path),
  side_request: (wanted, { facts }) => some(wanted, listOf(facts.features.sideRequest)),
  language: (wanted, { facts }) => some(wanted, listOf(facts.languageOf().language)),
  script: (wanted, { facts }) => some(wanted, listOf(facts.languageOf().script)),
  user_agent: (wanted, { facts }) => some(wanted, listOf(facts.features.userAgent)),
  turn: (wanted, { facts }) => wanted.includes(facts.turn.kind),
  turns: (wanted, { facts }) => within(wanted, facts.turn.messages),
  header: (wanted, { headers }) =>
    Object.entries(wanted).every(([name, test]) => headerHolds(test, headers[name])),
  label: (wanted, { label }) => some(wanted, listOf(label)),
  confidence: (wanted, { confidence }) => confidence !== null && within(wanted, confidence),
};

const all: Test = (when, seen) =>
  (Object.keys(TESTS) as (keyof Tests)[]).every((key) => {
    const wanted = when[key];
    return wanted === undefined || (TESTS[key] as (wanted: unknown, seen: Seen) => boolean)(wanted, seen);
  });

export const holds = (when: Condition, seen: Seen): boolean =>
  all(when, seen) &&
  !(when.not && all(when.not, seen)) &&
  (when.any?.some((each) => all(each, seen)) ?? true);

const asks = ({ label, confidence }: InnerCondition) => label !== undefined || confidence !== undefined;

/** True when the condition looks at what the classifier says. */
export const needsLabel = (when: Condition): boolean =>
  asks(when) || (when.not !== undefined && asks(when.not)) || (when.any?.some(asks) ?? false);
