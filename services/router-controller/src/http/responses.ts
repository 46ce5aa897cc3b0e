/** Responses by their id: each lives on the target that made it, and the id says which that is. */
import type { Request, Response } from 'express';
import { IdRewriter, openId } from '../call/index.ts';
import { findResponse, notFound, passesForeignIds } from './earlier.ts';
import { passByRule, passingHandler } from './passed.ts';
import { namedBody } from './passing/named-body.ts';
import type { Steps } from './routed.ts';

/** Paths below /v1/responses/ID, and the methods that they have. */
export const BY_ID = [
  { method: 'get', path: '/v1/responses/:response', below: '', summary: 'A response that a target keeps' },
  { method: 'delete', path: '/v1/responses/:response', below: '', summary: 'Deletes a response' },
  {
    method: 'post',
    path: '/v1/responses/:response/cancel',
    below: '/cancel',
    summary: 'Cancels a response in the background',
  },
  {
    method: 'get',
    path: '/v1/responses/:response/input_items',
    below: '/input_items',
    summary: 'What a response was made from',
  },
] as const;

/** Passes a request about one response on to the target that made it. */
export function responseHandler(steps: Steps, below: string) {
  return passingHandler(steps, async (context) => {
    const { http, response, config, caller, signal, enter } = context;
    const given = idOf(http);
    if (!openId(given, config.table, caller.tenant) && passesForeignIds(config, caller, given))
      return passByRule(context, () => notFound(given));
    const { target, id, told } = findResponse(given, config, caller, 'response_id');
    const held = await enter();
    const body = await namedBody(http, response as Response, config, held, signal, false, false);
    return {
      target,
      path: `/v1/responses/${encodeURIComponent(id)}${below}`,
      rule: '/v1/responses/*',
      body: { ...body, textBytes: 0 },
      rewriter: new IdRewriter(id, told),
    };
  });
}

const idOf = ({ params }: Request) => String((params as { response?: string }).response ?? '');
