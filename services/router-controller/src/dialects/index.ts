/** dialects: how the APIs that clients speak write requests and answers. Knows no step of the way; steps ask it. */
export type { AnswerReader, EventKind, StreamReader, Verdict } from './answer-reader.ts';
export { chatAnswers } from './chat/answer.ts';
export { promptSample, promptTexts } from './chat/message-text.ts';
export {
  type AnswerTranslator,
  type ChatOptions,
  PLAIN_CHAT,
  type Refusal,
  type StreamTranslator,
  type ToldError,
  type Translation,
} from './dialect.ts';
export { parseJson } from './json.ts';
export { errorBody as messagesError } from './messages/errors.ts';
export { TABLES as MESSAGES_TABLES } from './messages/tables.ts';
export { TABLES as RESPONSES_TABLES } from './responses/tables.ts';
export { apiOf, type SpeechNeed, speechNeed, unspoken } from './spoken.ts';
export { type SseEvent, SseSplitter } from './sse.ts';
export { TextSample } from './text-sample.ts';
export { readerOf, translate } from './translate.ts';
