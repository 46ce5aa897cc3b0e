/** Whether an error answer speaks of the request, of the target's model, or of the account that the router's key belongs to. */
import { saysContextOverflow } from '../../decide/index.ts';
import type { AttemptOutcome } from '../../request.ts';

interface ErrorFields {
  readonly code?: unknown;
  readonly type?: unknown;
  readonly status?: unknown;
  readonly title?: unknown;
  readonly message?: unknown;
  readonly detail?: unknown;
  readonly error?: unknown;
}

/** What the answer says: its codes, which are chosen from a list, and its words, which may repeat the request's. */
interface Said {
  readonly codes: string;
  readonly words: string;
}

function saidBy(body: Buffer | null): Said {
  let value: unknown;
  try {
    value = JSON.parse(body?.toString('utf8') ?? '');
  } catch {
    return { codes: '', words: '' };
  }
  const codes: string[] = [];
  const words: string[] = [];
  for (let depth = 0, at = value; depth < 3; depth++) {
    if (Array.isArray(at)) at = at[0];
    if (typeof at === 'string') words.push(at);
    if (at === null || typeof at !== 'object') break;
    const { code, type, status, title, message, detail, error } = at as ErrorFields;
    for (const each of [code, type, status]) if (typeof each === 'string') codes.push(each);
    for (const each of [title, message, detail]) if (typeof each === 'string') words.push(each);
    at = error;
  }
  return { codes: codes.join(' ').slice(0, 500), words: words.join(' ').slice(0, 1_000) };
}

const KEY_CODES =
  /\b(?:invalid_?api_?key|authentication_?error|permission_?(?:error|denied)|unauthori[sz]ed|access_?denied|account_?\w+|api_?key_?\w+)\b/i;
const KEY_WORDS =
  /\b(?:api[ _-]?keys?|authori[sz]ation|authentication|credentials?|access tokens?|not authori[sz]ed|unauthori[sz]ed|permissions?|subscription|your account|billing)\b/i;
/** A refused input may be repeated in the answer, whatever it says, so these words come first. */
const INPUT_WORDS =
  /\b(?:flagged|moderation|content[ _-]?(?:policy|filter)|safety|guardrails?|harmful|violat\w+|prohibited|inappropriate|input was|your (?:input|prompt|request|message)s?)\b/i;

/** Quota that is used up until somebody pays, as opposed to a rate that passes. */
const NO_CREDIT =
  /\b(?:insufficient_quota|billing_hard_limit_reached|insufficient_balance|quota_exceeded)\b/i;
/** A smaller request would still be paid for. */
const AFFORD = /\b(?:can only afford|fewer max_tokens|lower max_tokens)\b/i;

const MODEL_CODES = /\b(?:model_?not_?found|deployment_?not_?found|model_?not_?available|unknown_?model)\b/i;
const MODEL_WORDS =
  /\b(?:model|deployment|function)\b[^.]{0,200}?\b(?:not (?:found|exist|available|supported)|does ?n[o’']?t exist|unknown|no longer|deprecated|decommissioned|retired|removed|end of life)\b/i;
/** An answer about what the request asks of the model, not about the model. */
const FEATURE_WORDS =
  /\b(?:tools?|tool use|function calling|images?|vision|audio|modalit\w+|endpoints? found|parameters?)\b/i;

/** @returns null: the answer does not say; several requests have to agree before it is the target's. */
export function faultOf(status: number, body: Buffer | null): AttemptOutcome | null {
  const { codes, words } = saidBy(body);
  switch (status) {
    case 400:
    case 413:
    case 422:
      return body !== null && saysContextOverflow(body.toString('utf8')) ? 'context_overflow' : null;
    case 402:
      return AFFORD.test(words) ? 'refused' : 'no_credit';
    case 403:
      if (INPUT_WORDS.test(words) || INPUT_WORDS.test(codes)) return 'refused';
      return KEY_CODES.test(codes) || KEY_WORDS.test(words) ? 'bad_credentials' : null;
    case 404:
      if (MODEL_CODES.test(codes)) return 'model_retired';
      if (FEATURE_WORDS.test(words)) return 'refused';
      return MODEL_WORDS.test(words) ? 'model_retired' : null;
    case 429:
      return NO_CREDIT.test(codes) ? 'no_credit' : 'status_429';
    default:
      return null;
  }
}
