/** What of a machine a box could change: taken before and after, both must be the same. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

const SETTINGS = [
  'kernel/keys',
  'kernel/panic',
  'net/ipv4/conf',
  'net/ipv4/ip_forward',
  'net/ipv6/conf',
  'vm',
];

function settings(): Record<string, string> {
  const files = SETTINGS.flatMap((each) => globSync(`/proc/sys/{${each},${each}/**}`));
  const found: Record<string, string> = {};
  for (const file of files.sort()) {
    try {
      found[file] = readFileSync(file, 'utf8');
    } catch {
      // A folder, or a file that is only written.
    }
  }
  return found;
}

/** Names of a folder; none when there is no such folder. */
const names = (folder: string) => {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
};

const lines = (what: string, text: string) => text.split('\n').map((line) => `${what} ${line}`);

/** One line each: mounts, kernel settings, addresses, routes, named namespaces, what engines keep in the machine's folders. */
export function machineState(): Set<string> {
  return new Set([
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      // Without the numbers that the kernel gives out.
      .map((line) => `mount ${line.split(' ').slice(3).join(' ')}`),
    ...Object.entries(settings()).map(([file, value]) => `${file} ${value}`),
    ...names('/sys/class/net').map((name) => `interface ${name}`),
    ...Object.entries(networkInterfaces()).map((entry) => `addresses ${JSON.stringify(entry)}`),
    ...lines('route', readFileSync('/proc/net/route', 'utf8')),
    ...lines('IPv6 route', readFileSync('/proc/net/ipv6_route', 'utf8')).map((line) => line.slice(0, 120)),
    ...['/run', '/run/netns', '/var/lib', '/var/log'].flatMap((folder) =>
      names(folder)
        .filter(
          (name) =>
            folder.endsWith('netns') || /docker|containerd|runc|xtables|netns|cni|kube|pods/.test(name),
        )
        .map((name) => `${folder}/${name}`),
    ),
  ]);
}

/** What has come to the machine, or gone from it, since then. */
export function changesSince(before: ReadonlySet<string>): string[] {
  const now = machineState();
  return [
    ...[...now].filter((line) => !before.has(line)).map((line) => `+ ${line}`),
    ...[...before].filter((line) => !now.has(line)).map((line) => `- ${line}`),
  ];
}

/** Folders in /tmp and control groups whose name says that they are of that box. */
export const leftOf = (box: string): string[] => [
  ...globSync(`/tmp/${box}*`),
  ...globSync(`/sys/fs/cgroup/**/${box}*`),
];
