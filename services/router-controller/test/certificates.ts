/** An authority of the test's own, and certificates that it signs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificates {
  /** PEM of the authority, and where it lies. */
  readonly ca: string;
  readonly caFile: string;
  /** @param names as OpenSSL writes them: `DNS:redis.example.com,IP:127.0.0.1`. */
  readonly issue: (names: string) => { readonly key: string; readonly cert: string };
  readonly remove: () => void;
}

export function certificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-pki-'));
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
  );
  let count = 0;
  return {
    ca: readFileSync(at('ca.crt'), 'utf8'),
    caFile: at('ca.crt'),
    issue: (names) => {
      const name = `leaf${++count}`;
      const [key, cert, request, extensions] = ['key', 'crt', 'csr', 'ext'].map((end) =>
        at(`${name}.${end}`),
      ) as [string, string, string, string];
      writeFileSync(extensions, `subjectAltName=${names}\n`);
      openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
      openssl(
        'x509',
        '-req',
        '-in',
        request,
        '-CA',
        at('ca.crt'),
        '-CAkey',
        at('ca.key'),
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        extensions,
        '-out',
        cert,
      );
      return { key, cert };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
