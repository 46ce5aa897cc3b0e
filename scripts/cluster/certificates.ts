/** A certificate authority for one cluster, and the files by which programs know each other. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Long enough for any proof, too short for anything else. */
const DAYS = '2';
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', DAYS];

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority {
  /** Its own certificate. */
  readonly certificate: string;
  readonly key: string;
  /** What service accounts' tokens are signed with, and checked by. */
  readonly tokens: { readonly key: string; readonly publicKey: string };
  /**
   * @param subject as openssl writes it: `/O=system:masters/CN=admin`.
   * @param names what a server is reached by: `IP:…`, `DNS:…`.
   */
  issue(file: string, subject: string, names?: readonly string[]): Promise<Certificate>;
}

export async function makeAuthority(folder: string): Promise<Authority> {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'openssl.cnf');
  // The machine's own settings would add extensions.
  writeFileSync(config, '[req]\ndistinguished_name = name\n[name]\n');
  const files = (name: string): Certificate => ({
    certificate: join(folder, `${name}.crt`),
    key: join(folder, `${name}.key`),
  });
  const request = async (name: string, subject: string, more: readonly string[]): Promise<Certificate> => {
    const made = files(name);
    const out = ['-keyout', made.key, '-out', made.certificate];
    await run('openssl', ['req', '-x509', '-config', config, ...KEY, '-subj', subject, ...out, ...more]);
    return made;
  };
  const own = await request('authority', '/CN=llm-router-test', [
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign,digitalSignature',
  ]);
  const tokens = { key: join(folder, 'tokens.key'), publicKey: join(folder, 'tokens.pub') };
  await run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', tokens.key]);
  await run('openssl', ['ec', '-in', tokens.key, '-pubout', '-out', tokens.publicKey]);
  return {
    ...own,
    tokens,
    issue: (file, subject, names = []) =>
      request(file, subject, [
        ...['-CA', own.certificate, '-CAkey', own.key],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
        ...['-addext', 'extendedKeyUsage=serverAuth,clientAuth'],
        ...(names.length > 0 ? ['-addext', `subjectAltName=${names.join(',')}`] : []),
      ]),
  };
}

/** Writes a kubeconfig. @returns its path. */
export function writeKubeconfig(path: string, server: string, ca: string, user: Certificate): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster: { server, 'certificate-authority': ca } }],
    users: [{ name: 'user', user: { 'client-certificate': user.certificate, 'client-key': user.key } }],
    contexts: [{ name: 'context', context: { cluster: 'cluster', user: 'user' } }],
    'current-context': 'context',
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}
