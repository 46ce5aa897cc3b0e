/** Finds the response that a request names. */
import { mayReach } from '../authenticate/index.ts';
import { openId } from '../call/index.ts';
import type { RouterConfig } from '../config/types.ts';
import { echo } from '../echo.ts';
import { RouterError } from '../errors.ts';
import type { Caller, Decision, Earlier } from '../request.ts';
import { ruleFor } from './passing/rules.ts';

export const notFound = (told: string, param = 'response_id') =>
  new RouterError(
    'response_not_found',
    `No response '${echo(told)}' is known here (${param}). Only responses that this router gave to this tenant can be named, and ` +
      'only where the target that made them keeps them: a translated answer says store: false',
    { param },
  );

/**
 * The target that made a response, and the name it has there.
 *
 * @throws RouterError response_not_found, also for what another tenant may read
 */
export function findResponse(told: string, { table }: RouterConfig, caller: Caller, param: string): Earlier {
  const origin = openId(told, table, caller.tenant);
  if (!origin || !mayReach(caller, table)(origin.target)) {
    throw notFound(told, param);
  }
  return { ...origin, told };
}

/** Whether the operator has foreign ids passed on to a target, which then decides itself whom it answers. */
export const passesForeignIds = (config: RouterConfig, caller: Caller, id: string): boolean =>
  ruleFor(config, caller, `/v1/responses/${id}`, true) !== null;

/** What a request to go on from an earlier response names. @throws RouterError response_not_found */
export function earlierOf(
  body: Readonly<Record<string, unknown>>,
  config: RouterConfig,
  caller: Caller,
): Earlier | undefined {
  const { previous_response_id: told } = body;
  if (typeof told !== 'string' || told === '') return undefined;
  if (!openId(told, config.table, caller.tenant) && passesForeignIds(config, caller, told)) return undefined;
  return findResponse(told, config, caller, 'previous_response_id');
}

/** Only the target that made a response can go on from it. */
export const goingOn = (decision: Decision, earlier: Earlier | undefined): Decision =>
  earlier ? { ...decision, targets: [earlier.target], larger: () => [] } : decision;
