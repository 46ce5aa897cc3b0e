/** dialects: how the APIs that clients speak write requests and answers. Knows no step of the way; steps ask it. */
export type { AnswerReader, EventKind, StreamReader, Verdict } from './answer-reader.ts';
export { chatAnswers } from './chat/answer.ts';
export { promptSample, promptTexts } from './chat/message-text.ts';
export { parseJson } from './json.ts';
export { type SseEvent, SseSplitter } from './sse.ts';
export { TextSample } from './text-sample.ts';
