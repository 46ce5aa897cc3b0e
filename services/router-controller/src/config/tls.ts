/** TLS towards what the router calls, as targets and the classifier are configured: read, checked, and as Node takes it. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import type { z } from 'zod';
import type { tlsSchema } from './schema-table.ts';
import { Secret } from './secret.ts';
import type { TargetTls } from './types.ts';

export type TlsConfig = z.infer<typeof tlsSchema>;

export function tlsOf(file: TlsConfig | undefined): TargetTls | null {
  if (!file) return null;
  return {
    ca: file.ca ?? null,
    cert: file.cert ?? null,
    key: file.key ? new Secret(file.key) : null,
    serverName: file.server_name ?? null,
  };
}

/** What Node's TLS, undici and grpc-js all call these. */
export interface TlsOptions {
  ca?: string[];
  cert?: string;
  key?: string;
  servername?: string;
}

/** Authorities of one's own come beside those the machine trusts. */
export function tlsOptions(tls: TargetTls | null): TlsOptions {
  if (!tls) return {};
  return {
    ...(tls.ca !== null && { ca: [...getCACertificates('default'), tls.ca] }),
    ...(tls.cert !== null && { cert: tls.cert }),
    ...(tls.key && { key: tls.key.reveal() }),
    ...(tls.serverName !== null && { servername: tls.serverName }),
  };
}

const PARTS = {
  ca: { read: (pem: string) => new X509Certificate(pem), what: 'a certificate' },
  cert: { read: (pem: string) => new X509Certificate(pem), what: 'a certificate' },
  key: { read: (pem: string) => createPrivateKey(pem), what: 'a private key without a passphrase' },
} as const;

/** Parts that no connection could be made with, found before one is needed. The text itself is never told. */
export function tlsProblems(file: TlsConfig | undefined): { key: keyof typeof PARTS; message: string }[] {
  return (Object.keys(PARTS) as (keyof typeof PARTS)[]).flatMap((key) => {
    const pem = file?.[key];
    if (pem === undefined) return [];
    try {
      PARTS[key].read(pem);
      return [];
    } catch {
      const wanted = `want the PEM of ${PARTS[key].what} (-----BEGIN …), or file:PATH of one`;
      return [{ key, message: wanted }];
    }
  });
}
