/** What making namespaces asks of whoever starts it, told before anything is begun. */
import { readFileSync } from 'node:fs';

/** Bits of the kernel's capability mask (capabilities(7)). */
const NEEDED: Readonly<Record<string, number>> = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_NET_ADMIN: 12,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_ADMIN: 21,
  CAP_MKNOD: 27,
};

/** What is missing, in words; null when nothing is. @param status text of /proc/self/status. */
export function missingPrivileges(
  platform: string,
  uid: number | undefined,
  status: () => string,
): string | null {
  if (platform !== 'linux') return `Linux is needed, this is ${platform}`;
  if (uid !== 0) return `root is needed, this is user ${uid}: run it by sudo`;
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status())?.[1] ?? '0'}`);
  const lacking = Object.entries(NEEDED)
    .filter(([, bit]) => !((mask >> BigInt(bit)) & 1n))
    .map(([name]) => name);
  if (lacking.length === 0) return null;
  return `this root lacks ${lacking.join(', ')}: a container needs them given (docker run --privileged)`;
}

/** @param what begins the sentence: "The engine". @throws Error that says what is missing. */
export function requirePrivileges(what: string): void {
  const missing = missingPrivileges(process.platform, process.getuid?.(), () =>
    readFileSync('/proc/self/status', 'utf8'),
  );
  if (missing) throw new Error(`${what} runs in namespaces that it makes itself, and can’t here: ${missing}`);
}
