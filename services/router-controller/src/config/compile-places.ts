/** Places that hold one thing each: ports that two listeners would want, files that two logs would write. */
import { resolve } from 'node:path';
import { isLoopback } from './loopback.ts';
import type { ConfigFile } from './schema.ts';

const isAny = (host: string) => /^(?:0\.0\.0\.0|::|\[::\]|)$/.test(host);
const meet = (one: string, other: string) =>
  one === other || isAny(one) || isAny(other) || (isLoopback(one) && isLoopback(other));

/** @param problem told of each place that is wanted twice. */
export function checkPlaces(
  { server, admin, decision_log, spend_log }: ConfigFile,
  problem: (path: readonly string[], message: string) => void,
): void {
  // Port 0 is another one for each.
  if (admin && admin.port !== 0 && admin.port === server.port && meet(admin.host, server.host))
    problem(['admin', 'port'], `${admin.port} is server.port, too; the admin API wants one of its own`);
  const [decisions, spend] = [decision_log.path, spend_log.path];
  if (decisions && spend && resolve(decisions) === resolve(spend))
    problem(['spend_log', 'path'], `'${spend}' is decision_log.path, too; each wants a file of its own`);
}
