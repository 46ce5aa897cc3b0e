/**
 * A box: namespaces of one's own (mounts, processes, network, control groups, IPC, host name) in which engines and clusters
 * run as if the machine were theirs. With `network: 'own'` there is no way out of it and none in: its addresses, bridges,
 * iptables rules and `net.*` settings are nobody else's. What is inside ends with the box, and nothing stays: mounts,
 * control groups, interfaces, sockets, folders. The box ends by `stop()`, and also when the process that started it is
 * killed (a keeper process sees to that; should the keeper be killed too, the kernel ends the box, and the next
 * `startBox` removes the empty control groups and the folder).
 *
 * ```ts
 * const box = await startBox({ name: 'cluster', network: 'own' });
 * try {
 *   const etcd = box.spawn('etcd', ['--data-dir', join(box.folder, 'etcd')]); // stays in the box's folder: goes with it
 *   const told = await box.run('listing', 'ip', ['-json', 'address']);        // to its end; throws with the output's tail
 *   box.signal(etcd, 'SIGTERM');
 * } finally {
 *   await box.stop();
 * }
 * ```
 *
 * Files are the machine's, but for `hide` (default `/run` and `/var/log`). A program of ours that has to reach addresses
 * inside runs inside: `box.spawn(process.execPath, ['scripts/….ts'])`. Sockets in `box.folder` are reached from outside.
 * `/proc/sys` but for `net` can't be written inside; what engines and kubelets insist on writing goes into plain files
 * (the list stands in box.sh).
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { run } from '../parts/lib.ts';
import { joined, type Keeping, type Network, PREFIX, RECORD, sweep } from './keeping.ts';
import { requirePrivileges } from './privileges.ts';

export interface BoxOptions {
  /** Who it is for; stands in the names of its folder and control group. */
  readonly name: string;
  /** `machine`: the machine's own network, which builds need to reach package registries; its settings can't be changed. */
  readonly network: Network;
  /** More folders that are empty inside, and whose new contents are gone with the box. */
  readonly hide?: readonly string[];
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface Box {
  /** Its own folder, gone with it: data, logs, sockets. */
  readonly folder: string;
  /** Its first process, as the machine numbers it: `nsenter --target PID --all`. */
  readonly pid: number;
  /** Starts a program inside. It ends with the box, and with this process. */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Runs one to its end, with progress. @throws Error with the end of its output. */
  run(what: string, command: string, args: readonly string[], options?: RunOptions): Promise<string>;
  /** To a program that `spawn` started: `child.kill()` would reach only what has brought it in. */
  signal(child: ChildProcess, signal: NodeJS.Signals): void;
  /** Ends everything inside and removes all that it was made of. Safe to repeat. */
  stop(): Promise<void>;
}

const HIDDEN = ['/run', '/var/log'];

/** @throws Error that says what is missing: root, a capability, a namespace of the kernel. */
export async function startBox({ name, network, hide = [] }: BoxOptions): Promise<Box> {
  requirePrivileges(`A box for ${name}`);
  await sweep();
  const folder = mkdtempSync(`${PREFIX}${name}-`);
  const keeping: Keeping = { folder, name: basename(folder), network, hide: [...HIDDEN, ...hide] };
  const keeper = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts'), JSON.stringify(keeping)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Out of this terminal's group: Ctrl-C reaches this process alone, and the leash tells the keeper.
    detached: true,
  });
  let said = '';
  keeper.stderr.on('data', (chunk) => {
    said += chunk;
  });
  keeper.stdin.on('error', () => {});
  const gone = once(keeper, 'exit');
  const pid = await new Promise<number>((resolve, reject) => {
    createInterface({ input: keeper.stdout }).on('line', (line) => {
      const ready = /^ready (\d+)$/.exec(line);
      if (ready) resolve(Number(ready[1]));
    });
    keeper.once('error', reject);
    keeper.once('exit', () => reject(new Error(`a box for ${name} can’t be made here:\n${said.trim()}`)));
  }).catch((error: Error) => {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  const { groups } = JSON.parse(readFileSync(join(folder, RECORD), 'utf8')) as { groups: string[] };
  // Nothing waits for a box that nobody stops: the leash does.
  for (const stream of [keeper.stdin, keeper.stdout, keeper.stderr])
    (stream as unknown as { unref(): void }).unref();
  keeper.unref();

  const inside = (command: string, args: readonly string[], cwd: string | undefined) => {
    const spaces = ['mount', 'net', 'pid', 'ipc', 'uts', 'cgroup'].map((each) => `--${each}`);
    return joined(
      // In a unified hierarchy the box's own group holds groups, not processes.
      groups.map((group) => (isUnified(group) ? join(group, 'first') : group)),
      ['nsenter', `--target=${pid}`, ...spaces, '--', 'setpriv', '--pdeathsig', 'KILL', '--'].concat([
        'env',
        `--chdir=${cwd ?? process.cwd()}`,
        command,
        ...args,
      ]),
    );
  };
  return {
    folder,
    pid,
    spawn: (command, args, options = {}) => spawn(...inside(command, args, options.cwd?.toString()), options),
    run: (what, command, args, options = {}) => {
      const [program, all] = inside(command, args, options.cwd);
      return run(what, program, all, options);
    },
    signal: (child, signal) => {
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
      for (const each of children ? children.split(' ') : []) process.kill(Number(each), signal);
    },
    stop: async () => {
      keeper.ref();
      keeper.stdin.end();
      await gone;
    },
  };
}

function isUnified(group: string): boolean {
  try {
    readFileSync(join(group, 'cgroup.controllers'));
    return true;
  } catch {
    return false;
  }
}
