/** Who administers: each by a token of their own. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import { FailureLimiter, failuresAllowed } from '../../authenticate/failures.ts';
import type { Actor } from '../../authenticate/index.ts';
import type { RouterConfig } from '../../config/types.ts';
import { RouterError } from '../../errors.ts';
import type { Logger, Metrics } from '../../observe/index.ts';
import { addressOf } from '../address.ts';

export interface IdentityDeps {
  readonly config: () => RouterConfig;
  readonly metrics: Metrics;
  readonly log: Logger;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Every token is compared, whatever matches first, so that time tells nothing. */
function holderOf(given: string, { file }: RouterConfig): { name: string; read_only: boolean } | null {
  const { token, tokens } = file.admin!;
  const all = [...(token === undefined ? [] : [{ name: 'admin', token, read_only: false }]), ...tokens];
  let found: (typeof all)[number] | null = null;
  for (const each of all) if (timingSafeEqual(digest(given), digest(each.token))) found = each;
  return found;
}

/** Lets in who has a token, and notes who it is for {@link actorOf}. */
export function checkToken({ config, metrics, log }: IdentityDeps) {
  const failures = new FailureLimiter(failuresAllowed(config().file));
  return (request: Request, response: Response, next: () => void) => {
    const address = addressOf(request);
    // Before the token is looked at: people choose it, so it must not be guessed at speed.
    const refusal = failures.refusal(address);
    if (refusal) throw refusal;
    const given = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const holder = holderOf(given, config());
    if (!holder) {
      failures.note(address);
      metrics.authFailures.inc({ reason: given === '' ? 'missing' : 'unknown' });
      log.warn('admin token refused', { address, path: request.path });
      throw new RouterError(
        'invalid_api_key',
        'The admin API wants its token: `Authorization: Bearer TOKEN`',
      );
    }
    if (holder.read_only && request.method !== 'GET')
      throw new RouterError('permission_denied', `The admin token of '${holder.name}' may read only`);
    response.locals.actor = { by: holder.name, from: address } satisfies Actor;
    response.locals.mayChange = !holder.read_only;
    next();
  };
}

/** Name of the token. */
export const nameOf = (response: Response): string => actorOf(response).by;
export const mayChange = (response: Response): boolean => response.locals.mayChange === true;
export const actorOf = (response: Response): Actor => response.locals.actor as Actor;
