/** What is told of: a closed set, without prompts, answers or secrets. */
import type { NoticeType } from '../config/schema-notify.ts';

export type Severity = 'error' | 'warning' | 'info';

export interface Notice {
  readonly type: NoticeType;
  /** The thing that it speaks of: of one thing the latest state is told, once. */
  readonly subject: string;
  /** Tells states of a thing apart; default: the type. */
  readonly state?: string;
  /** The end of trouble, of no interest where nobody was told of its beginning. */
  readonly ends?: boolean;
  readonly severity: Severity;
  /** One sentence for people. */
  readonly summary: string;
  readonly data: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
  /** How long replicas remember between them that it was told, milliseconds; default: an hour. */
  readonly rememberMs?: number;
}

/** A notice on its way to a receiver. */
export interface Message {
  /** The same however often it is sent. */
  readonly id: string;
  /** RFC 3339 time of the event. */
  readonly timestamp: string;
  readonly type: NoticeType;
  readonly severity: Severity;
  readonly summary: string;
  readonly data: Readonly<Record<string, unknown>>;
}
