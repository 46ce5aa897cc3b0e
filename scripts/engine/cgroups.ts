/** A control group of one's own in every hierarchy of the machine: made, named, and removed with all below it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The kernel lets go of a group a moment after its last process. */
const REMOVE_MS = 20_000;
/**
 * A group competes for processors as one, with each process that is beside it. What runs in a box is many, and would have
 * the time of one (1024) on a machine whose other processes are in no group.
 */
const CPU_SHARES = 8192;

interface Hierarchy {
  /** Where it is mounted. */
  readonly mount: string;
  /** The group that this process is in, below the mount. */
  readonly own: string;
  readonly isUnified: boolean;
}

/** @param cgroup text of /proc/self/cgroup. @param mounts text of /proc/self/mounts. */
export function hierarchies(cgroup: string, mounts: string): Hierarchy[] {
  const mounted = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type]) => type === 'cgroup' || type === 'cgroup2')
    .map(([, mount, type, options]) => ({ mount: mount!, type, options: options!.split(',') }));
  return cgroup
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [, controllers, ...rest] = line.split(':');
      const isUnified = controllers === '';
      const found = mounted.find(({ type, options }) =>
        isUnified
          ? type === 'cgroup2'
          : type === 'cgroup' && controllers!.split(',').every((each) => options.includes(each)),
      );
      return found ? [{ mount: found.mount, own: rest.join(':'), isUnified }] : [];
    });
}

/**
 * Makes the group `name` in every hierarchy: below this process's own group, so that its limits hold; in a unified
 * hierarchy at the top, because a group there has processes or groups with controllers, not both.
 *
 * @returns its folders.
 */
export function makeGroups(name: string): string[] {
  const all = hierarchies(
    readFileSync('/proc/self/cgroup', 'utf8'),
    readFileSync('/proc/self/mounts', 'utf8'),
  );
  return all.map(({ mount, own, isUnified }) => {
    const parent = isUnified ? mount : join(mount, own);
    const folder = join(parent, name);
    mkdirSync(folder);
    // A group of cpuset takes nobody in before it has processors and memory.
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (!isUnified && existsSync(join(folder, file)))
        writeFileSync(join(folder, file), readFileSync(join(parent, file)));
    if (!isUnified && existsSync(join(folder, 'cpu.shares')))
      writeFileSync(join(folder, 'cpu.shares'), String(CPU_SHARES));
    return folder;
  });
}

function below(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...children.flatMap(({ name }) => below(join(folder, name))), folder];
}

/** Ends what is still in the groups, and removes them. @throws Error when the kernel keeps one. */
export async function removeGroups(folders: readonly string[]): Promise<void> {
  for (const end = Date.now() + REMOVE_MS; ; await sleep(50)) {
    let kept: string | null = null;
    for (const folder of folders.flatMap(below)) {
      try {
        for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').trim().split('\n'))
          if (pid && pid !== '0') process.kill(Number(pid), 'SIGKILL');
        rmdirSync(folder);
      } catch {
        if (existsSync(folder)) kept = folder;
      }
    }
    if (!kept) return;
    if (Date.now() > end) throw new Error(`the control group ${kept} can’t be removed`);
  }
}
