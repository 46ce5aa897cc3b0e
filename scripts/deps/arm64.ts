/** Whether what the images install runs on 64-bit ARM, too: by the lockfile, and by the machine code within packages. */
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Lockfile } from '../sbom/npm-parts.ts';
import { runtimeOf } from '../sbom/npm-parts.ts';

/** Machines by their number in an ELF file's head. */
const MACHINES: Readonly<Record<number, string>> = { 62: 'x64', 183: 'arm64' };

/** What a file's machine code is for; null: it is no Linux program or library. */
export function machineOf(file: string): string | null {
  const head = Buffer.alloc(20);
  const opened = openSync(file, 'r');
  try {
    if (readSync(opened, head, 0, 20, 0) < 20 || head.toString('latin1', 0, 4) !== '\x7fELF') return null;
  } finally {
    closeSync(opened);
  }
  return MACHINES[head.readUInt16LE(18)] ?? `machine ${head.readUInt16LE(18)}`;
}

/** Programs and libraries for x64 in a folder that has none of the same name for ARM. */
export function withoutArm(folder: string): string[] {
  const found = new Map<string, Set<string>>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const machine = machineOf(path);
    if (!machine) continue;
    // A library's version stands in its name; a platform may.
    const name = entry.name.replaceAll(/x64|x86_64|amd64|arm64|aarch64/g, 'CPU');
    found.set(name, (found.get(name) ?? new Set()).add(machine));
  }
  return [...found]
    .filter(([, machines]) => machines.has('x64') && !machines.has('arm64'))
    .map(([name]) => name);
}

interface Platform {
  readonly cpu?: readonly string[];
  readonly os?: readonly string[];
  readonly libc?: readonly string[];
}

const takes = (list: readonly string[] | undefined, value: string) =>
  !list || (list.some((each) => !each.startsWith('!')) ? list.includes(value) : !list.includes(`!${value}`));

/**
 * Packages below these of the workspace that Linux on x64 gets and Linux on ARM would not: those that name their processors, without a
 * sibling for ARM under the same parent.
 */
export function onlyForX64(lock: Lockfile, importers: readonly string[]): string[] {
  const packages = lock.packages as Readonly<Record<string, Platform>>;
  const runs = (key: string, cpu: string) =>
    takes(packages[key]?.os, 'linux') && takes(packages[key]?.cpu, cpu);
  const runtime = runtimeOf(lock, importers);
  const isFor = (cpu: string) => [...runtime].filter((key) => packages[key]?.cpu && runs(key, cpu));
  const family = (key: string) => key.replaceAll(/x64|arm64/g, 'CPU');
  const arm = new Set(isFor('arm64').map(family));
  return isFor('x64').filter((key) => !arm.has(family(key)));
}

/** What of the installed packages holds machine code for x64 alone, by package. */
export function installedForX64(
  root: string,
  lock: Lockfile,
  importers: readonly string[],
): { looked: string[]; problems: string[] } {
  const store = join(root, 'node_modules', '.pnpm');
  const folders = existsSync(store) ? readdirSync(store) : [];
  const looked: string[] = [];
  const problems: string[] = [];
  for (const key of runtimeOf(lock, importers)) {
    const at = key.lastIndexOf('@');
    const [name, version] = [key.slice(0, at), key.slice(at + 1)];
    const wanted = `${name.replace('/', '+')}@${version}`;
    const folder = folders.find((each) => each === wanted || each.startsWith(`${wanted}_`));
    // One for another platform is not installed; the lockfile told of it.
    if (!folder) continue;
    const path = join(store, folder, 'node_modules', name);
    if ((lock.packages as Readonly<Record<string, Platform>>)[key]?.cpu) continue;
    looked.push(key);
    for (const file of withoutArm(path))
      problems.push(`${key}: ${file} is for x64 alone (${relative(root, path)})`);
  }
  return { looked, problems };
}
