/** Node, memory, and who holds the router's port. */
import { availableParallelism, freemem } from 'node:os';
import type { RouterConfig } from '../../../router-controller/src/config/index.ts';
import { answers } from '../start/own-classifier.ts';
import { type Check, fail, ok, warn } from './check.ts';

/** Controller, embedded classifier and stand-ins together, with room to work. */
const ENOUGH_BYTES = 1_000_000_000;

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;

export function checkNode(): Check {
  const found = `${process.version} (the workspace’s own), ${availableParallelism()} cores`;
  return Number(process.versions.node.split('.')[0]) >= 24
    ? ok('Node', found)
    : fail('Node', found, 'run `npx llm-router`, which brings Node 24');
}

export function checkMemory(): Check {
  const free = freemem();
  return free >= ENOUGH_BYTES
    ? ok('memory', `${gigabytes(free)} free`)
    : warn('memory', `${gigabytes(free)} free`, `the whole router wants ${gigabytes(ENOUGH_BYTES)}`);
}

/** A port that a router of ours holds is no trouble; one that somebody else holds is. */
export async function checkPort({ file }: RouterConfig, port = file.server.port): Promise<Check> {
  const { host } = file.server;
  const local = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const name = `port ${port}`;
  if (port === 0 || !(await answers(local, port))) return ok(name, 'free');
  const livez = await fetch(`http://${local.includes(':') ? `[${local}]` : local}:${port}/livez`, {
    signal: AbortSignal.timeout(2_000),
  }).catch(() => null);
  return livez?.ok
    ? ok(name, 'a router runs there')
    : fail(name, 'somebody else listens there', 'choose another with --port, or end what holds it');
}
