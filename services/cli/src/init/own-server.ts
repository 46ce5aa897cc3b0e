/** A server of one's own: its address checked, its model asked for where it was not named. */
import { CommandError, UsageError } from '../lib/errors.ts';
import type { OwnServer } from './providers.ts';

const WAIT_MS = 5_000;
const VARIABLE = /^[A-Z_][A-Z0-9_]*$/i;

/** @param text URL[,MODEL[,ENV]] @throws UsageError */
export function readOwn(text: string): OwnServer {
  const [url = '', model = '', key = '', ...more] = text.split(',').map((part) => part.trim());
  const whole = /^https?:\/\//.test(url) ? url : `http://${url}`;
  if (!URL.canParse(whole) || url === '' || more.length > 0)
    throw new UsageError(
      `--own wants URL[,MODEL[,ENV]], such as http://gpu1:8000 or http://gpu1:8000,qwen3-8b,GPU1_KEY, not '${text}'`,
    );
  if (new URL(whole).username !== '')
    throw new UsageError('--own: a key goes into a variable, not into the URL');
  if (key !== '' && !VARIABLE.test(key))
    throw new UsageError('--own: the third part is the name of the variable that holds the key, not the key');
  return { url: whole, model: model || null, key: key || null };
}

/** The server's first model. @throws CommandError when it can't be asked */
export async function modelOf({ url, key }: OwnServer): Promise<string> {
  const base = url.replace(/\/+$/, '').replace(/\/v1$/, '');
  const secret = key === null ? undefined : process.env[key];
  const hint = `name it: --own ${url},MODEL`;
  const answer = await fetch(`${base}/v1/models`, {
    signal: AbortSignal.timeout(WAIT_MS),
    headers: secret ? { authorization: `Bearer ${secret}` } : {},
  }).catch(() => {
    throw new CommandError(`${url} can’t be asked for its model; ${hint}`);
  });
  const told = (await answer.json().catch(() => null)) as { data?: { id?: unknown }[] } | null;
  const id = told?.data?.[0]?.id;
  if (typeof id !== 'string') throw new CommandError(`${url} tells no model (${answer.status}); ${hint}`);
  return id;
}
