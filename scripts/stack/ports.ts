/** Whether the stack's ports are free, asked before anything starts. */
import { createServer } from 'node:net';
import type { StackOptions } from './options.ts';

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** One line for each port that something else has, and for each that two parts were given. */
export async function portsTaken(options: StackOptions): Promise<string[]> {
  const wanted = [
    ['--port', options.port],
    ['--playground-port', options.playgroundPort],
    ['--prometheus-port', options.prometheusPort],
  ] as const;
  const problems: string[] = [];
  for (const [index, [flag, port]] of wanted.entries()) {
    if (port === 0) continue;
    const earlier = wanted.slice(0, index).find(([, other]) => other === port);
    if (earlier) problems.push(`${flag} is ${port}, and so is ${earlier[0]}`);
    else if (!(await isFree(port))) problems.push(`port ${port} is taken; choose another with ${flag}`);
  }
  return problems;
}
