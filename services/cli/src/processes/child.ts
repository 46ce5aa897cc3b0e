/** A child process that says `ready …` when it serves, and never outlives its parent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { tellEnvironment, type Variables } from '../../../process/src/late-environment.ts';
import { waiting } from '../../../process/src/progress.ts';
import { Restarts } from './restarts.ts';

const START_MS = 60_000;
const STOP_MS = 30_000;

export class Child {
  readonly #name: string;
  readonly #file: string;
  #args: string[];
  readonly #env: Variables;
  readonly #later: Promise<Variables> | null;
  #process: ChildProcess | null = null;
  #stopping = false;
  readonly #restarts: Restarts;
  onExit: (code: number | null) => void = () => {};

  /** @param later what is known only after others have started: it is started at once, and waits for this when it has loaded. */
  constructor(
    name: string,
    file: string,
    args: string[],
    env: Variables,
    later: Promise<Variables> | null = null,
  ) {
    this.#name = name;
    this.#file = file;
    this.#args = later ? [...args, '--environment-from-stdin'] : args;
    this.#env = env;
    this.#later = later;
    this.#restarts = new Restarts(name);
  }

  /**
   * Starts it.
   *
   * @returns its `ready` line.
   * @throws Error when it ends, or says nothing, before that.
   */
  start(): Promise<string> {
    this.#restarts.started();
    const child = spawn(process.execPath, [this.#file, ...this.#args, '--exit-with-parent'], {
      env: { ...process.env, ...this.#env },
      // Standard input is the leash: when this process dies, however, the pipe ends and the child stops.
      stdio: ['pipe', 'pipe', 'inherit'],
      // Out of the terminal's group: Ctrl-C reaches the parent alone, which stops its children in order.
      detached: true,
    });
    this.#process = child;
    const ready = Promise.withResolvers<string>();
    let isReady = false;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (!isReady && line.startsWith('ready')) {
        isReady = true;
        this.#keepPorts(line);
        ready.resolve(line);
      } else console.log(`${this.#name}: ${line}`);
    });
    let timer: NodeJS.Timeout | undefined;
    const limit = () => {
      timer = setTimeout(
        () => ready.reject(new Error(`${this.#name} did not become ready within ${START_MS / 1000} s`)),
        START_MS,
      );
    };
    child.once('error', ready.reject);
    // It may end before it has read: that its exit tells.
    child.stdin!.on('error', () => {});
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (!isReady)
        ready.reject(
          new Error(
            `${this.#name} ended before it was ready (${signal ?? `exit ${code}`}); its lines above say why`,
          ),
        );
      else if (!this.#stopping) {
        console.error(`${this.#name} ended (${signal ?? `exit ${code}`})`);
        this.onExit(code);
      }
    });
    const begun = async () => {
      if (this.#later)
        tellEnvironment(child.stdin!, await Promise.race([this.#later, ready.promise.then(() => ({}))]));
      limit();
      return waiting(`${this.#name}: starting`, () => ready.promise);
    };
    return begun().finally(() => clearTimeout(timer));
  }

  /** A restart must come back where others look for it: free ports that were taken once are asked for by number. */
  #keepPorts(line: string): void {
    const ports = [...line.matchAll(/:(\d+)/g)].map((match) => match[1]!);
    this.#args = this.#args.map((arg, index) =>
      arg === '0' && /port$/.test(this.#args[index - 1] ?? '') ? (ports.shift() ?? arg) : arg,
    );
  }

  /** Starts it again after a pause, until it stays. */
  restart(): void {
    this.#restarts.schedule(() => this.start());
  }

  /** Ends it at once, whatever is under way. */
  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#restarts.end();
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(timer);
  }
}
