/** Each upstream asked for its models, with its own key, proxy and TLS, as calls would go. */

import { type Unreached, whyUnreached } from '../../../process/src/unreached.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { type RouterConfig, type Target, Transport } from './parts.ts';

const WAIT_MS = 10_000;
const AT_ONCE = 8;
const MAX_BYTES = 4 * 1024 * 1024;
/** Clocks further apart than this make tokens and signatures fail. */
const SKEW_MS = 30_000;

interface Seen {
  readonly check: Check;
  /** By how much the upstream's clock is ahead of ours, ms; null: it does not tell. */
  readonly skewMs: number | null;
}

/** What would be right in the configuration. */
const ADVICE: Readonly<Record<Unreached['kind'], string>> = {
  nobody: 'start it, or mend api_base’s port',
  'no-address': 'look at api_base for a typo, and at the DNS of this machine',
  'no-way': 'look at api_base, and at the network',
  tls: 'write http:// in place of https:// in api_base',
  certificate: 'give its authority as targets[].tls.ca; api_base names the host as the certificate does',
  'not-http': 'look at api_base’s port',
  closed: 'look at api_base’s port, and whether it is https://',
  time: 'a firewall, or a proxy that is needed (HTTPS_PROXY, targets[].proxy)',
  other: 'look at api_base, proxy and tls of the target',
};

async function readModels(body: AsyncIterable<Uint8Array>): Promise<readonly string[] | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > MAX_BYTES) return null;
    parts.push(part);
  }
  try {
    const { data } = JSON.parse(Buffer.concat(parts).toString('utf8')) as { data?: { id?: unknown }[] };
    return data?.map(({ id }) => String(id)) ?? null;
  } catch {
    return null;
  }
}

async function look(transport: Transport, target: Target): Promise<Seen> {
  const name = `target ${target.id}`;
  const { host } = new URL(target.apiBase);
  const began = performance.now();
  try {
    const answer = await transport.pass(target, {
      method: 'GET',
      path: '/v1/models',
      search: '',
      headers: { accept: 'application/json', ...target.headers },
      body: null,
      signal: AbortSignal.timeout(WAIT_MS),
    });
    const models = await readModels(answer.body as AsyncIterable<Uint8Array>);
    const took = `${Math.round(performance.now() - began)} ms`;
    const date = Date.parse(String(answer.headers.date ?? ''));
    const skewMs = Number.isNaN(date) ? null : date - Date.now();
    const location = answer.headers.location;
    const check =
      answer.status < 300 || answer.status >= 400
        ? told(name, target, answer.status, models, `${host} answered in ${took}`)
        : fail(
            name,
            `${host} sends on to ${String(location ?? 'nowhere')} (${answer.status})`,
            'redirects are not followed: write the address that it names into api_base',
          );
    return { check, skewMs };
  } catch (error) {
    const { kind, found } = whyUnreached(error, target.apiBase);
    const waited = kind === 'time' ? ` (${WAIT_MS / 1000} s)` : '';
    return { check: fail(name, `${found}${waited}`, ADVICE[kind]), skewMs: null };
  }
}

function told(
  name: string,
  target: Target,
  status: number,
  models: readonly string[] | null,
  answered: string,
): Check {
  if (status === 401 || status === 403)
    return target.apiKey === null
      ? fail(name, `${answered} and wants a key (${status})`, 'give the target an api_key')
      : fail(
          name,
          `${answered} and refuses the key (${status})`,
          'look at the variable or file that api_key names',
        );
  if (status === 404 || status === 405)
    return warn(
      name,
      `${answered}, but tells no list of models (${status})`,
      'the key is proven by the first call: `llm-router chat`',
    );
  if (status >= 300)
    return fail(name, `${answered} with ${status}`, 'look at the upstream’s own state and logs');
  if (models === null)
    return warn(name, `${answered}, with no list of models`, 'is api_base the base of an API?');
  if (models.includes(target.model)) return ok(name, `${answered}; it has ${target.model}`);
  return warn(
    name,
    `${answered}; ${target.model} is not among its ${models.length} models`,
    models.length <= 12 ? `it lists: ${models.join(', ')}` : 'is the model’s name as the upstream spells it?',
  );
}

/** One check a target, and one of the clock where any upstream tells its time. */
export async function checkUpstreams(config: RouterConfig, targets: readonly Target[]): Promise<Check[]> {
  const { upstream } = config.file;
  const transport = new Transport({
    maxHeaderBytes: upstream.max_header_bytes,
    connectionsPerTarget: upstream.connections_per_target,
    connectionMaxAgeMs: upstream.connection_max_age_ms,
  });
  try {
    const seen: Seen[] = [];
    for (let at = 0; at < targets.length; at += AT_ONCE)
      seen.push(...(await Promise.all(targets.slice(at, at + AT_ONCE).map((each) => look(transport, each)))));
    return [...seen.map(({ check }) => check), ...clock(seen)];
  } finally {
    await transport.close();
  }
}

function clock(seen: readonly Seen[]): Check[] {
  // An upstream on this machine has this machine's clock; the least difference is the surest.
  const skews = seen.flatMap(({ skewMs }) => (skewMs === null ? [] : [skewMs]));
  if (skews.length === 0) return [];
  const least = skews.reduce((a, b) => (Math.abs(b) < Math.abs(a) ? b : a));
  const seconds = `${Math.abs(Math.round(least / 1000))} s ${least > 0 ? 'behind' : 'ahead of'} the upstreams`;
  return [
    Math.abs(least) <= SKEW_MS
      ? ok('clock', 'as the upstreams’')
      : fail('clock', seconds, 'set the clock (NTP): keys that expire and budgets go by it'),
  ];
}
