/** Paths as clients spell them: Azure's, without /v1 or with it twice. Everything after this reads OpenAI's own spelling. */
import type { RequestHandler, Response } from 'express';
import { STANDARD_PASSES, STORING_PASSES } from '../config/schema-table.ts';

/** Ends of paths behind a deployment, whose name may have slashes itself. */
const BEHIND_DEPLOYMENT = [
  '/chat/completions',
  '/completions',
  '/responses',
  '/embeddings',
  '/moderations',
  '/rerank',
  '/audio/speech',
  '/audio/transcriptions',
  '/audio/translations',
  '/images/generations',
  '/images/edits',
  '/images/variations',
];
const DEPLOYMENTS = '/openai/deployments/';
/** What clients ask of a base URL without /v1; v1's bare /completions stays as it is. */
const BARE = new Set([
  ...[...STANDARD_PASSES, ...STORING_PASSES].map((path) => path.split('/')[2]!),
  'chat',
  'responses',
  'messages',
  'models',
]);

export interface Spelt {
  readonly path: string;
  /** The model, as Azure's clients name it in the path; null: the path names none. */
  readonly deployment: string | null;
}

/**
 * @param path as it came, without its query
 * @example
 * respell('/openai/deployments/meta/llama/chat/completions') // { path: '/v1/chat/completions', deployment: 'meta/llama' }
 */
export function respell(path: string): Spelt {
  const lower = path.toLowerCase();
  if (lower.startsWith(DEPLOYMENTS)) return behindDeployment(path, lower);
  if (lower.startsWith('/v1/v1/')) return { path: path.slice('/v1'.length), deployment: null };
  if (lower.startsWith('/openai/v1/')) return { path: path.slice('/openai'.length), deployment: null };
  if (lower.startsWith('/openai/')) return { path: `/v1${path.slice('/openai'.length)}`, deployment: null };
  const [, first = ''] = lower.split('/', 2);
  return { path: BARE.has(first) ? `/v1${path}` : path, deployment: null };
}

function behindDeployment(path: string, lower: string): Spelt {
  const whole = lower.endsWith('/') ? lower.slice(0, -1) : lower;
  const end = BEHIND_DEPLOYMENT.find((each) => whole.endsWith(each));
  const at = end ? whole.length - end.length : path.indexOf('/', DEPLOYMENTS.length);
  const name = path.slice(DEPLOYMENTS.length, at);
  if (at < 0 || name === '') return { path, deployment: null };
  return { path: `/v1${path.slice(at)}`, deployment: decoded(name) };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

export const spellings: RequestHandler = (request, response, next) => {
  const at = request.url.indexOf('?');
  const path = at < 0 ? request.url : request.url.slice(0, at);
  const spelt = respell(path);
  if (spelt.deployment !== null) response.locals.deployment = spelt.deployment;
  if (spelt.path !== path) request.url = spelt.path + request.url.slice(path.length);
  next();
};

/** The model that the path names. */
export const deploymentOf = ({ locals }: Response): string | null =>
  (locals.deployment as string | undefined) ?? null;
