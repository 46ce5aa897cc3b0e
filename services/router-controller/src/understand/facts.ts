/** What is known of a request before it is labelled: one value that the decision, `/v1/route`, logs and replay share. */
import type { SpeechNeed } from '../dialects/index.ts';
import type { LanguageReading } from './script.ts';

/** Where the words that are classified were found. */
export type AskSource =
  | 'user' // a human's last words
  | 'earlier_user' // nothing human came after them: a tool loop, a reminder, "please continue"
  | 'system+user' // the system message instructs, the user message is the data
  | 'system' // there are no words of a user
  | 'summary' // a client's summary of a conversation that no longer stands in the request
  | 'media' // an image, sound or file alone
  | 'prompt' // a legacy completion
  | 'none';

export interface Ask {
  /** What is classified: harness text taken out, head and tail kept where it is longer than `max_chars`. */
  readonly text: string;
  readonly source: AskSource;
  /** True when its middle was left out. */
  readonly cut: boolean;
  /** Length of the whole text, UTF-16 units. */
  readonly chars: number;
  /** How it was found, in words, where that is not plain. */
  readonly evidence?: string;
  /** The same with the turns before it, both roles, bounded; null when there are none. Only looked at where needed. */
  readonly withHistory: string | null;
  /** The same with what the answer's form asks of it; null where there is no form, or it says nothing. Looked at as rarely. */
  readonly withForm: string | null;
}

/** What a human's turn is in its conversation. */
export type TurnKind =
  | 'first' // nobody has answered yet
  | 'next' // a human spoke again
  | 'loop'; // tool results or harness text after the ask: the model goes on with its work

export interface TurnFacts {
  readonly kind: TurnKind;
  /** Turns with words of a human, this one included. */
  readonly humanTurns: number;
  readonly messages: number;
  /** The last words say little by themselves ("yes", "and in Rust?", a bare number): by their form, before any label. */
  readonly leans: boolean;
  /** Thanks and goodbyes: they continue nothing. */
  readonly closes: boolean;
}

export const TOOL_KINDS = [
  'shell',
  'edit',
  'read',
  'search',
  'web',
  'computer',
  'agent',
  'plan',
  'other',
] as const;
export type ToolKind = (typeof TOOL_KINDS)[number];

export const SIDE_REQUESTS = [
  'title',
  'tags',
  'follow_ups',
  'query',
  'commit_message',
  'compaction',
  'autocomplete',
] as const;
export type SideRequest = (typeof SIDE_REQUESTS)[number];

export const PATHS = ['chat', 'completion', 'fim', 'responses', 'messages', 'other'] as const;
export type RequestPath = (typeof PATHS)[number];

export interface Features {
  readonly path: RequestPath;
  readonly tools: readonly ToolKind[];
  readonly toolCount: number;
  /** A program that works with tools on somebody's behalf; `coding` where the tools or the system prompt edit code. */
  readonly agent: 'coding' | 'general' | null;
  readonly toolResultLast: boolean;
  readonly images: boolean;
  readonly audio: boolean;
  readonly files: boolean;
  /** Estimate for the whole request: texts, tool descriptions; inline media count as none. */
  readonly tokens: number;
  /** Largest answer asked for, tokens; 0: not said. */
  readonly answerTokens: number;
  readonly format: 'text' | 'json_object' | 'json_schema';
  readonly stream: boolean;
  /** First product of the user agent, lower case: `claude-cli`, `openai-python`, `browser`. */
  readonly userAgent: string | null;
  readonly sideRequest: SideRequest | null;
}

/** By what a feature was seen, in words. */
export type Evidence = Readonly<Partial<Record<keyof Features, string>>>;

export interface Identity {
  /** The client's own name for the conversation, and where it stood. */
  readonly session: { readonly from: string; readonly value: string } | null;
  /** Of a sub-agent within the session. */
  readonly agent: string | null;
  /** The end user, who may have many conversations. */
  readonly user: string | null;
  /** Digest of the first words of a human; null where there are none. Neither clock nor documents of a system prompt are in it. */
  readonly opener: string | null;
  /** Digest of the first answer; null in the first turn. Tells conversations apart that begin alike. */
  readonly answer: string | null;
  /** Digest of tools and of the system prompt's beginning: tells a sub-agent from its parent under one session id. */
  readonly lane: { readonly tools: string; readonly system: string };
}

/** What not every model can do. */
export interface Needs {
  readonly vision: boolean;
  readonly audio: boolean;
  readonly tools: boolean;
  readonly json_schema: boolean;
  readonly streaming: boolean;
  /** Estimated prompt, tokens. */
  readonly prompt_tokens: number;
  /** Largest answer asked for; 0: not said. */
  readonly answer_tokens: number;
  /** Estimated prompt plus the answer asked for. */
  readonly context_tokens: number;
  /** In which APIs it can be put; absent: not checked. */
  readonly speech?: SpeechNeed;
}

export interface RequestFacts {
  readonly ask: Ask;
  readonly features: Features;
  /** Of the ask. Read when it is first asked for: it walks over the text once for each language, and most tables never ask. */
  readonly languageOf: () => LanguageReading;
  readonly evidence: Evidence;
  readonly turn: TurnFacts;
  readonly identity: Identity;
  readonly needs: Needs;
}
