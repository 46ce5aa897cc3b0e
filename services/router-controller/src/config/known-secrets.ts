/** Which values of a configuration are secrets: keys, passwords, tokens, and what targets' headers carry. */
import { formatPath } from './problems.ts';
import { Secret } from './secret.ts';

/** Names of the file's keys whose text is secret. */
const SECRET_KEY = /(?:^|_)(?:(?:api_?)?key|password|passphrase|secret|token|credentials?)$/;

/** Who knows the address of a webhook can write to whom it tells. */
const isWebhook = (path: readonly PropertyKey[]) => path.at(-1) === 'url' && path.at(-3) === 'webhooks';

const HEADERS = 'headers';
/** Names of headers that carry credentials. */
const SECRET_HEADER = /auth|key|token|secret|pass|cookie|credential|signature/i;
/** Names of headers whose values are words of the protocol or of the operator's site, which answers hold, too. */
const PLAIN_HEADER =
  /^(?:accept.*|content-.*|user-agent|host|origin|(?:http-)?referer|x-title|.*-version|.*-beta)$/i;
/** A word that people write: `production`. Hiding it in every answer would harm more than it could help. */
const WORD = /^[A-Za-z]{1,15}$/;

/** A header may carry a credential under any name; only what is surely none is let out. */
const isSecretHeader = (name: string, value: string, isOutside: boolean): boolean =>
  SECRET_HEADER.test(name) || (!PLAIN_HEADER.test(name) && (isOutside || !WORD.test(value)));

/** Names of query parameters that carry credentials. */
const SECRET_PARAMETER = /^(?:.*[_-])?(?:key|token|secret|sig|signature|password|code)$/i;

/** A proxy's password, and keys that some services take in the query of a base. */
function* secretsOfUrl(text: string): Generator<string> {
  if (!/^\w+:\/\//.test(text) || !URL.canParse(text)) return;
  const { password, searchParams } = new URL(text);
  if (password !== '') {
    yield password;
    try {
      yield decodeURIComponent(password);
    } catch {
      // Not encoded: it is what it looks like.
    }
  }
  for (const [name, value] of searchParams) if (SECRET_PARAMETER.test(name) && value !== '') yield value;
}

/**
 * @param document the file with its variables and secret files in place.
 * @param outside paths of values that come from those.
 */
export function secretsIn(
  document: unknown,
  outside: ReadonlySet<string>,
): { readonly path: string; readonly value: Secret }[] {
  const found: { path: string; value: Secret }[] = [];
  const walk = (node: unknown, path: readonly PropertyKey[]): void => {
    if (typeof node === 'string') {
      const name = path.findLast((step) => typeof step === 'string') ?? '';
      const at = formatPath(path);
      const isHeader = path.at(-2) === HEADERS;
      const isSecret = isHeader
        ? isSecretHeader(String(path.at(-1)), node, outside.has(at))
        : SECRET_KEY.test(String(name)) || isWebhook(path);
      if (isSecret && node !== '') found.push({ path: at, value: new Secret(node) });
      else for (const value of secretsOfUrl(node)) found.push({ path: at, value: new Secret(value) });
    } else if (Array.isArray(node)) for (const [index, item] of node.entries()) walk(item, [...path, index]);
    else if (node !== null && typeof node === 'object')
      for (const [key, item] of Object.entries(node)) walk(item, [...path, key]);
  };
  walk(document, []);
  return found;
}
