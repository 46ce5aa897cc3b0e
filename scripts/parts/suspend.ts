/** Makes a server hang, for tests of what others do then. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MS = 10_000;

/** State and process group of a process or thread, by its `stat`; null when it is gone. */
function stateOf(folder: string): { state: string; group: number } | null {
  try {
    // Its name, in brackets, may hold anything.
    const [state, , group] = readFileSync(`${folder}/stat`, 'utf8').split(')').at(-1)!.trim().split(' ');
    return { state: state!, group: Number(group) };
  } catch {
    return null;
  }
}

/**
 * Makes processes stand still, and resolves when none of their threads runs any more. SIGSTOP alone only asks: on a busy machine a server
 * answered for a while after it. SIGCONT ends it.
 *
 * @param pid of a process, or a group's number with a minus, as `kill` has it.
 */
export async function suspend(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const members = () =>
    pid > 0
      ? [String(pid)]
      : readdirSync('/proc').filter((name) => /^\d+$/.test(name) && stateOf(`/proc/${name}`)?.group === -pid);
  const runs = (member: string) => {
    try {
      const tasks = `/proc/${member}/task`;
      return readdirSync(tasks).some((task) => !/^[TtZX]/.test(stateOf(`${tasks}/${task}`)?.state ?? 'X'));
    } catch {
      return false;
    }
  };
  for (const until = Date.now() + WAIT_MS; members().some(runs); await sleep(5))
    if (Date.now() > until) throw new Error(`process ${pid} does not stand still after SIGSTOP`);
}
