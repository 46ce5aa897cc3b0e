/** A controller of several workers, as a process of its own. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { programOf } from '../../bundler/src/program.ts';
import { eventually } from './harness.ts';

const MAIN = programOf(join(import.meta.dirname, '../src/main.ts'));

export interface WorkerSet {
  readonly child: ChildProcess;
  readonly url: string;
  /** All that was logged. */
  readonly log: () => string;
  /** Numbers of the workers that served requests, one a request. */
  readonly served: () => number[];
  /** Processes of the workers. */
  readonly pids: () => number[];
  /** The page of metrics of all. */
  readonly page: () => Promise<string>;
}

/** Waits until the check throws nothing. @throws what it threw last */
export async function soon(what: string, check: () => void | Promise<void>): Promise<void> {
  let last: unknown;
  const holds = async () => {
    try {
      await check();
      return true;
    } catch (error) {
      last = error;
      return false;
    }
  };
  await eventually(what, holds, 120_000).catch((error) => {
    throw last ?? error;
  });
}

/** Value of one sample. @param name with its labels, as the page writes it */
export const sampleOf = (text: string, name: string): number => {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1).split(' ')[0] ?? Number.NaN);
};

/** @param config file whose `server.workers` says how many. The caller ends `child`. */
export async function startWorkers(config: string): Promise<WorkerSet> {
  const child = spawn(process.execPath, [MAIN, '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  let out = '';
  child.stderr!.on('data', (data) => {
    log += data;
  });
  child.stdout!.on('data', (data) => {
    out += data;
  });
  await soon('it is ready', () => {
    if (child.exitCode !== null) return;
    assert.match(out, /^ready http/m);
  });
  assert.equal(child.exitCode, null, log);
  const url = /^ready (\S+)/m.exec(out)![1]!;
  return {
    child,
    url,
    log: () => log,
    served: () =>
      log
        .split('\n')
        .filter((line) => line.includes('"message":"request"'))
        .map((line) => (JSON.parse(line) as { worker: number }).worker),
    pids: () =>
      readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map(Number),
    page: async () => {
      const response = await fetch(`${url}/metrics`, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(10_000),
      });
      return response.text();
    },
  };
}
