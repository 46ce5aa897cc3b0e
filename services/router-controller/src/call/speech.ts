/** How a request is put to one target: in the client's own API where the target speaks it, else as a chat completion. */
import type { Target } from '../config/types.ts';
import {
  type AnswerReader,
  apiOf,
  type ChatOptions,
  chatAnswers,
  type Translation,
  translate,
} from '../dialects/index.ts';
import type { RoutedRequest } from '../request.ts';

export interface Speech {
  readonly path: string;
  /** Reads what the target answers. */
  readonly answers: AnswerReader;
  /** Null: bytes pass unchanged. */
  readonly translation: Translation | null;
  /** Of the client's headers those that this API has. */
  readonly headers: Readonly<Record<string, string>>;
}

const CHAT_PATH = '/v1/chat/completions';
/** The version that Anthropic's own SDKs send. */
const ANTHROPIC_VERSION = '2023-06-01';

const isForeign = ({ endpoint: { dialect } }: RoutedRequest) =>
  dialect === 'responses' || dialect === 'messages';

/** Whether a target speaks the API that the client speaks. */
export const speaks = ({ apis }: Target, { endpoint }: RoutedRequest): boolean =>
  apis.includes(apiOf(endpoint.dialect));

const translations = new WeakMap<RoutedRequest, Map<string, Translation>>();

function translationFor(target: Target, request: RoutedRequest): Translation {
  const { maxTokensAs, reasoningInput, capabilities } = target;
  const effort = capabilities.reasoning_effort !== false;
  const key = `${maxTokensAs} ${reasoningInput} ${effort}`;
  const known = translations.get(request) ?? new Map<string, Translation>();
  translations.set(request, known);
  let translation = known.get(key);
  if (!translation) {
    const { texts } = request.raw;
    const options: ChatOptions = {
      reasoning: reasoningInput,
      effort,
      maxTokens: maxTokensAs,
      nested: (value) => texts.nested(value),
    };
    translation = translate(request.endpoint.dialect, request.foreign!.value, options)!;
    known.set(key, translation);
  }
  return translation;
}

/** @param own reads the client's own API. */
export function speechOf(target: Target, request: RoutedRequest, own: AnswerReader): Speech {
  if (isForeign(request) && !speaks(target, request)) {
    return {
      path: CHAT_PATH,
      answers: chatAnswers,
      translation: translationFor(target, request),
      headers: {},
    };
  }
  return {
    path: request.path,
    answers: own,
    translation: null,
    headers: ownHeaders(request),
  };
}

function ownHeaders(request: RoutedRequest): Record<string, string> {
  const { dialect } = request.endpoint;
  if (dialect === 'messages') return anthropicHeaders(request);
  const beta = request.headers['openai-beta'];
  return dialect === 'responses' && typeof beta === 'string' ? { 'openai-beta': beta } : {};
}

function anthropicHeaders({ headers }: RoutedRequest): Record<string, string> {
  const { 'anthropic-version': version, 'anthropic-beta': beta } = headers;
  return {
    'anthropic-version': typeof version === 'string' ? version : ANTHROPIC_VERSION,
    ...(typeof beta === 'string' && { 'anthropic-beta': beta }),
  };
}

/** Prompts are estimated; so much more than that, and a little for the chat format, is kept free for them. */
const PROMPT_MARGIN = 1.25;
const FORMAT_TOKENS = 64;
/** A prompt that leaves less room than this is told to be too long by the target itself. */
const LEAST_ANSWER = 256;

/**
 * The Messages API wants a limit of every request, and agents send the largest they know. Servers of chat completions refuse
 * a limit that does not fit beside the prompt, so it is cut to the room that the target is known to have.
 */
export function answerLimit(
  target: Target,
  request: RoutedRequest,
  promptTokens: number,
): Record<string, number> {
  const { context_tokens: window } = target.capabilities;
  const asked = request.foreign?.value.max_tokens;
  if (request.endpoint.dialect !== 'messages' || window === undefined || typeof asked !== 'number') return {};
  const room = window - Math.ceil(promptTokens * PROMPT_MARGIN) - FORMAT_TOKENS;
  return asked <= room || asked <= LEAST_ANSWER ? {} : { [target.maxTokensAs]: Math.max(room, LEAST_ANSWER) };
}

/** What an answer's headers say of its translation. */
export function translationHeaders(target: Target | null, request: RoutedRequest): Record<string, string> {
  if (target === null || !isForeign(request) || speaks(target, request)) return {};
  const { dropped } = translationFor(target, request);
  const names = dropped.map((name) => name.replaceAll(/[^\w.[\]-]/g, '?').slice(0, MAX_NAME));
  return {
    'x-llm-router-translated': `${request.endpoint.dialect}->chat`,
    ...(names.length > 0 && { 'x-llm-router-dropped': names.slice(0, MAX_NAMES).join(', ') }),
  };
}

/** Names of members come from the client. */
const MAX_NAME = 80;
const MAX_NAMES = 20;
