/** Whom a command and everything under it speak to, by the calls that it makes to the kernel. */
import { readFileSync } from 'node:fs';

/** Where to strace writes what, and of what; its command goes before the watched one. */
export const straceArgs = (file: string): readonly string[] => [
  '-f',
  // Only the calls below stop a process; all others run at their speed.
  '--seccomp-bpf',
  '-qq',
  '-s',
  '0',
  '-e',
  'trace=connect,sendto,sendmsg,sendmmsg',
  '-e',
  'signal=none',
  '-o',
  file,
];

const ADDRESS = /sin_addr=inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"/g;

const isLoopback = (address: string) => /^127\.|^::1$|^::ffff:127\./.test(address);

/**
 * Addresses off this machine that were connected or sent to, those of name servers too. A failed try counts.
 *
 * @param file what strace wrote.
 */
export function strangers(file: string): string[] {
  const found = new Set<string>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const port = /sin6?_port=htons\((\d+)\)/.exec(line)?.[1];
    for (const [, four, six] of line.matchAll(ADDRESS)) {
      const address = (four ?? six)!;
      if (!isLoopback(address) && port !== '0') found.add(`${address} port ${port}`);
    }
  }
  return [...found].sort();
}
