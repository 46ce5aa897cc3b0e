/** CPU time and memory of a process and all that it started, from /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A thread or process that has ended meanwhile.
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function tree(pid: number): number[] {
  const children = list(`/proc/${pid}/task`).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(tree)];
}

/** Milliseconds on a CPU so far, all threads together; exact to the nanosecond where the kernel keeps it. */
export function cpuMs(pid: number): number {
  let ns = 0;
  for (const each of tree(pid))
    for (const task of list(`/proc/${each}/task`))
      ns += Number(read(`/proc/${each}/task/${task}/schedstat`).split(' ')[0] ?? 0);
  return ns / 1e6;
}

/** Resident memory, MB. */
export function rssMb(pid: number): number {
  const kb = tree(pid).map((each) => Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${each}/status`))?.[1] ?? 0));
  return kb.reduce((sum, each) => sum + each, 0) / 1024;
}
