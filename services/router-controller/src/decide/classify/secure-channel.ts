/** gRPC over TLS to a classifier, and what is wrong, in words, when no connection comes about. */
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { tlsOptions } from '../../config/tls.ts';
import type { TargetTls } from '../../config/types.ts';

export interface SecureChannel {
  /** One object for all channels to an address: they share connections then. */
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

const bytes = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem));

export function secureChannel(tls: TargetTls | null): SecureChannel {
  const { ca, cert, key, servername } = tlsOptions(tls);
  return {
    credentials: credentials.createSsl(bytes(ca?.join('\n')), bytes(key), bytes(cert)),
    options:
      servername === undefined
        ? {}
        : { 'grpc.ssl_target_name_override': servername, 'grpc.default_authority': servername },
  };
}

/** What Node's TLS says, and what would be right. */
const SECURE: readonly (readonly [RegExp, string])[] = [
  [
    /unable to verify|self-signed|unable to get (?:local )?issuer/,
    'its certificate is by no authority that is trusted here: give that authority’s own as classifier.tls.ca',
  ],
  [
    /altnames/,
    'its certificate is for other names: call it by one of them, or give one as classifier.tls.server_name',
  ],
  [/certificate has expired|not yet valid/, 'its certificate is out of date'],
  [/wrong version number/, 'it speaks no TLS there: write grpc:// (http://) in the policy’s url'],
  [
    /alert (?:certificate required|bad certificate|unknown ca|handshake failure)/,
    'it asks for a certificate that it knows: give one as classifier.tls.cert and key',
  ],
  [
    // gRPC's own servers end the connection without a word of why.
    /Failed to connect|ECONNRESET|socket disconnected/,
    'it ended the connection: where it asks for a certificate, give one that it knows as classifier.tls.cert and key',
  ],
  [/no application protocol/, 'it speaks TLS, but not HTTP/2, which gRPC needs'],
];
const CLEAR = /Failed to connect|Protocol error/;

const EMPTY_NOTE = 'Resolution note:';

/** What gRPC says of a call, without what it says around that: `round_robin: No connection established. Last error: …`. */
export function plainDetails(said: string): string {
  const words = said
    .trim()
    .replace(/^(?:\w+: )?(?:No connection established\. Last error: )+(?:Error: )?/, '')
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '');
  return words.endsWith(EMPTY_NOTE) ? words.slice(0, -EMPTY_NOTE.length).trimEnd().replace(/\.$/, '') : words;
}

/**
 * @param details of a call that reached nobody.
 * @param isSecure whether TLS was spoken.
 * @returns words to put behind them; empty where there is nothing to say.
 */
export function advice(details: string, isSecure: boolean): string {
  const found = isSecure
    ? SECURE.find(([pattern]) => pattern.test(details))?.[1]
    : CLEAR.test(details)
      ? 'something is there, but no gRPC in clear: where it speaks TLS, write grpcs:// in the policy’s url'
      : undefined;
  return found === undefined ? '' : ` (${found})`;
}
