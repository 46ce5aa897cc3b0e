/**
 * understand: from a request's body, path and headers to what is known of it. Pure, and bounded: of long texts heads and
 * tails are read, of long conversations the beginning and the end.
 */
import { type AskSettings, promptAsk, readAsk } from './ask.ts';
import type { Evidence, Features, RequestFacts, RequestPath } from './facts.ts';
import { isForm } from './form.ts';
import { digest, type Headers, type IdentitySources, readIdentity } from './identity.ts';
import { formatOf, readNeeds } from './needs.ts';
import { type LanguageReading, readLanguage } from './script.ts';
import { readSideRequest } from './side-request.ts';
import { readAgent, readTools } from './tools.ts';
import { asText, type Body, legacyPrompt, messageList, readTurns } from './turns.ts';

export { cutMiddle } from './cut.ts';
export * from './facts.ts';
export { digest, type Headers, type IdentitySources } from './identity.ts';
export { needsOf } from './needs.ts';
export { type LanguageReading, readLanguage } from './script.ts';
export { legacyPrompt, messageList, partsOf, readTurns } from './turns.ts';

export interface UnderstandSettings {
  readonly prompt: AskSettings;
  readonly identity: IdentitySources;
}

export interface UnderstandInput {
  readonly body: Body;
  /** Request path; tells dialects apart where the body alone does not. */
  readonly path: string;
  readonly headers: Headers;
}

const FIM =
  /<[|｜]?\s?(?:fim[-_▁ ]?\w{0,16}|PRE|SUF|MID)\s?[|｜]?>|<\|(?:code_)?(?:prefix|suffix|middle)\|>|<\|(?:user_)?cursor(?:_is_here)?\|>|<\|editable_region_(?:start|end)\|>|\[(?:PREFIX|SUFFIX|MIDDLE)\]/i;
const FIM_ALL = new RegExp(FIM.source, 'gi');

/** A place to be filled, in chats that complete code: the pair of tokens, or one marker beside a system prompt that speaks of it. */
const HOLE = /\{\{\s?(?:FILL|HOLE|CURSOR)\w{0,24}\s?\}\}|<\|?(?:FILL|HOLE|CURSOR)[\w]{0,24}\|?\/?>/i;
const FILLS =
  /\bholes?\b[^\n]{0,20}\bfill|\bfill(?:s|ing)?(?:[- ]in)?\b[^\n]{0,30}\b(?:middle|hole|gap|blank|missing code|cursor)|\bhole filler\b|\b(?:code|inline) (?:auto-?)?complet(?:ion|er)\b|\bcomplet\w*\b[^\n]{0,40}\bcursor\b/i;

/** By what a chat is seen to fill in the middle; null: it does not. */
function fillsIn(system: string, user: string): string | null {
  const text = user.slice(0, 20_000);
  if (
    /^\s*(?:<[|｜]?\s?(?:fim|PRE)|\[(?:SUFFIX|PREFIX)\])/i.test(text) &&
    (text.match(FIM_ALL)?.length ?? 0) > 1
  )
    return 'fill-in-the-middle tokens';
  return FILLS.test(system.slice(0, 1_500)) && (HOLE.test(text) || FIM.test(text))
    ? 'a place to be filled, and a system prompt that says so'
    : null;
}

function pathOf(path: string, body: Body, prompt: string): RequestPath {
  if (messageList(body) === null) {
    if (body.prompt === undefined) return path.endsWith('/responses') ? 'responses' : 'other';
    const suffix = typeof body.suffix === 'string' && body.suffix !== '';
    return suffix || FIM.test(prompt.slice(0, 20_000)) || FIM.test(prompt.slice(-400)) ? 'fim' : 'completion';
  }
  if (path.endsWith('/messages') || (body.system !== undefined && body.messages !== undefined))
    return 'messages';
  return body.messages === undefined ? 'responses' : 'chat';
}

/** First product of a user agent: `Claude-CLI/1.0 (…)` is `claude-cli`; of SDKs with their language. */
function userAgentOf(headers: Headers): string | null {
  const value = headers['user-agent'];
  const found =
    typeof value === 'string' ? /^\s*([A-Za-z][\w.+-]{0,40})(?:\/([A-Za-z]{1,12})\b)?/.exec(value) : null;
  if (!found) return null;
  const product = found[1]!.toLowerCase().replace(/[^a-z\d]+/g, '-');
  if (product === 'mozilla') return 'browser';
  return found[2] ? `${product}-${found[2].toLowerCase()}` : product;
}

/** Never throws, whatever the body is: checking it is another step's. */
export function understand(input: UnderstandInput, settings: UnderstandSettings): RequestFacts {
  const { body, headers, path } = input;
  const { files, ...needs } = readNeeds(body);
  const prompt = messageList(body) === null ? legacyPrompt(body.prompt) : '';
  const tools = readTools(body);
  const conversation = readTurns(body);
  const { turns } = conversation;
  const firstSystem = turns.find(({ role }) => role === 'system');
  const agent = readAgent(
    tools,
    firstSystem
      ? firstSystem.parts
          .map(({ text }) => text)
          .join('\n')
          .slice(0, 6_000)
      : '',
  );
  const reading = readAsk(body, conversation, settings.prompt, {
    tools: needs.tools && !isForm(body),
    agent: agent.agent === 'coding' || (agent.agent === 'general' && tools.count === 0),
    answerTokens: needs.answer_tokens,
  });
  const ask = prompt === '' ? reading.ask : promptAsk(prompt, settings.prompt);
  const side =
    prompt === ''
      ? readSideRequest({
          system: reading.systemText,
          user: reading.lastUser,
          tools: needs.tools,
          answered: reading.turn.kind !== 'first',
          answerTokens: needs.answer_tokens,
        })
      : null;
  const filled =
    needs.tools || needs.vision || reading.turn.kind !== 'first' || prompt !== ''
      ? null
      : fillsIn(reading.systemText, reading.lastUser);
  const kind = filled === null ? pathOf(path, body, prompt) : 'fim';
  let told: LanguageReading | null = null;
  const languageOf = () => {
    told ??= readLanguage(ask.source === 'system+user' ? reading.lastUser : ask.text);
    return told;
  };
  const last = turns.at(-1);
  const toolResultLast = last?.role === 'tool';
  const features: Features = {
    path: kind,
    tools: tools.kinds,
    toolCount: tools.count,
    agent: agent.agent,
    toolResultLast,
    images: needs.vision,
    audio: needs.audio,
    files,
    tokens: needs.prompt_tokens,
    answerTokens: needs.answer_tokens,
    format: formatOf(body),
    stream: needs.streaming,
    userAgent: userAgentOf(headers),
    sideRequest: filled === null ? (side?.kind ?? null) : null,
  };
  const evidence: Evidence = {
    path:
      filled ??
      (kind === 'fim' ? (asText(body.suffix) === '' ? 'fill-in-the-middle tokens' : 'suffix') : path),
    ...(tools.count > 0 && { tools: `named ${tools.names.slice(0, 6).join(', ')}` }),
    ...(agent.agent && { agent: agent.evidence }),
    ...(side && filled === null && { sideRequest: side.evidence }),
    ...(toolResultLast && { toolResultLast: 'a tool’s result comes last' }),
    ...(needs.vision && { images: 'image parts' }),
    ...(needs.audio && { audio: 'audio parts, or audio asked for' }),
    ...(files && { files: 'file parts' }),
    tokens: 'bytes of all texts over 4',
  };
  const first = prompt === '' ? reading.first : null;
  const identity = readIdentity(body, headers, turns, first, tools.names, settings.identity);
  return {
    ask: reading.evidence === '' ? ask : { ...ask, evidence: reading.evidence },
    features,
    languageOf,
    evidence,
    turn:
      prompt === ''
        ? reading.turn
        : { kind: 'first', humanTurns: 1, messages: 0, leans: false, closes: false },
    identity: prompt === '' ? identity : { ...identity, opener: digest(prompt.slice(0, 2_000)) },
    needs,
  };
}
