/** What a box and its keeper know of each other, and how what a killed keeper left is found. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leashed } from '../parts/process.ts';
import { removeGroups } from './cgroups.ts';

export type Network = 'own' | 'machine';

/** What a keeper is told. */
export interface Keeping {
  /** The box's own folder. */
  readonly folder: string;
  /** Of its control group. */
  readonly name: string;
  readonly network: Network;
  /** Folders that are empty inside, and whose new contents are gone with the box. */
  readonly hide: readonly string[];
}

/** Folders of boxes begin so. Short, because sockets lie in them: a socket's path has 107 bytes. */
export const PREFIX = join(tmpdir(), 'llm-router-box-');
/** In a box's folder: who keeps it, and what has to be removed. */
export const RECORD = 'keeper.json';

/** When a process began, in ticks since the machine did; null when there is none. Numbers of processes come again. */
export function startTime(pid: number): string | null {
  try {
    const [state, ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return state === 'Z' ? null : rest[18]!;
  } catch {
    return null;
  }
}

/** A command that ends with its parent and runs in these control groups. */
export function joined(
  groups: readonly string[],
  command: readonly string[],
): readonly [string, readonly string[]] {
  const join =
    'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"';
  return leashed('sh', ['-c', join, 'sh', ...groups, '--', ...command]);
}

interface Record {
  readonly pid: number;
  readonly started: string;
  readonly groups: readonly string[];
}

/** Removes what boxes have left whose keepers were killed. */
export async function sweep(): Promise<void> {
  const parent = join(PREFIX, '..');
  const start = PREFIX.slice(parent.length + 1);
  for (const name of readdirSync(parent).filter((each) => each.startsWith(start))) {
    const folder = join(parent, name);
    let record: Record;
    try {
      record = JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as Record;
    } catch {
      continue; // It is just being made, or removed.
    }
    if (startTime(record.pid) === record.started) continue;
    await removeGroups(record.groups);
    rmSync(folder, { recursive: true, force: true });
  }
}
