/** Why an address could not be called, in words. */

export interface Unreached {
  /** What was found there. */
  readonly found: string;
  /** What would be right; null: only the caller can say. */
  readonly advice: string | null;
  readonly kind:
    | 'nobody'
    | 'no-address'
    | 'no-way'
    | 'tls'
    | 'certificate'
    | 'not-http'
    | 'closed'
    | 'time'
    | 'other';
}

type Failure = Error & { readonly code?: unknown; readonly cause?: Failure };

/** The innermost that tells something: fetch and undici wrap what the socket said. */
function innermost(error: unknown): Failure {
  let found = error as Failure;
  for (let depth = 0; depth < 5 && found.cause instanceof Error; depth++) found = found.cause;
  // An address family each was tried; one of them tells enough.
  const all = (found as unknown as AggregateError).errors;
  return Array.isArray(all) && all[0] instanceof Error ? (all[0] as Failure) : found;
}

const OTHER_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID';

/**
 * @param error as fetch, undici or a socket give it
 * @param url where it was meant to go
 */
export function whyUnreached(error: unknown, url: string): Unreached {
  const { host, hostname, protocol } = new URL(url);
  const { code, name, message } = innermost(error);
  // A DOMException's code is a number, which tells nobody anything.
  const why = typeof code === 'string' ? code : name;
  const all = `${why} ${message}`;
  if (why === 'ECONNREFUSED') return { kind: 'nobody', found: `nothing listens at ${host}`, advice: null };
  if (why === 'ENOTFOUND' || why === 'EAI_AGAIN')
    return {
      kind: 'no-address',
      found: `${hostname} has no address (${why})`,
      advice: 'look for a typo in the name, and at the DNS of this machine',
    };
  if (/^E(?:HOST|NET)UNREACH|^ENETDOWN|^EADDRNOTAVAIL/.test(why))
    return {
      kind: 'no-way',
      found: `no way leads to ${host} (${why})`,
      advice: 'look at the network and the address',
    };
  // A server without TLS answers the handshake in words of its own.
  if (/WRONG_VERSION_NUMBER|wrong version number|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/.test(all))
    return { kind: 'tls', found: `${host} does not speak TLS`, advice: 'write http:// in place of https://' };
  if (why === OTHER_NAME)
    return {
      kind: 'certificate',
      found: `the certificate of ${host} is for another name`,
      advice: 'name it as the certificate does',
    };
  if (/CERT|SELF_SIGNED|ISSUER|LEAF_SIGNATURE/i.test(why))
    return { kind: 'certificate', found: `the certificate of ${host} is not trusted (${why})`, advice: null };
  if (/TIMEOUT|Timeout|Abort/.test(why))
    return {
      kind: 'time',
      found: `${host} gave no answer in time`,
      advice: 'a firewall on the way, or a proxy that is needed',
    };
  if (/^HPE_|HTTPParserError/.test(all) || name === 'HTTPParserError')
    return { kind: 'not-http', found: `what answers at ${host} is no HTTP`, advice: 'look at the port' };
  if (/^(?:UND_ERR_SOCKET|ECONNRESET|EPIPE)$/.test(why))
    return {
      kind: 'closed',
      found: `${host} closed the connection without an answer (${why})`,
      advice:
        protocol === 'http:' ? 'where it speaks TLS, write https:// in place of http://' : 'look at the port',
    };
  const said = message.split('\n')[0];
  return {
    kind: 'other',
    found: `${host} can’t be reached (${why === 'Error' || why === 'TypeError' ? said : `${why}: ${said}`})`,
    advice: null,
  };
}
