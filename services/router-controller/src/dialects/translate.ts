/** The one door to the translations. */
import type { Dialect, Endpoint } from '../request.ts';
import type { AnswerReader } from './answer-reader.ts';
import { chatAnswers } from './chat/answer.ts';
import { countAnswers } from './counts.ts';
import type { ChatOptions, Translation } from './dialect.ts';
import { messagesAnswers } from './messages/reader.ts';
import { toChat as messagesToChat } from './messages/request.ts';
import { responsesAnswers } from './responses/reader.ts';
import { toChat as responsesToChat } from './responses/request.ts';
import type { Json } from './values.ts';

/** @returns null for chat completions themselves, and for the older completions. */
export function translate(dialect: Dialect, body: Json, options: ChatOptions): Translation | null {
  if (dialect === 'responses') return responsesToChat(body, options);
  return dialect === 'messages' ? messagesToChat(body, options) : null;
}

/** Reads the answers of targets that speak it. */
export function readerOf({ dialect, counts }: Pick<Endpoint, 'dialect' | 'counts'>): AnswerReader {
  const own =
    dialect === 'responses' ? responsesAnswers : dialect === 'messages' ? messagesAnswers : chatAnswers;
  return counts ? countAnswers(own) : own;
}
