/**
 * A Docker engine of one's own, in a box (box.ts), with images that are kept from run to run. One at a time for a checkout:
 * a second waits. Containers, volumes and networks go with it; so does all that it was made of.
 *
 * ```ts
 * await withEngine({ network: 'own' }, async (engine) => {
 *   await engine.compose('up', ['--file', file, 'up', '--wait']);
 *   // Ports that it publishes are the box's: what asks them runs inside.
 *   await engine.box.run('asking', process.execPath, ['scripts/….ts']);
 *   // Images for another runtime: a tar for `ctr images import`.
 *   await saveImages(engine, ['llm-router-controller:0.1.0'], tar);
 * });
 * ```
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { setupCompose } from '../parts/compose.ts';
import { systemProgram } from '../parts/debian.ts';
import { CACHE, run, withLock } from '../parts/lib.ts';
import { untilReady } from '../parts/process.ts';
import { type Box, startBox } from './box.ts';
import { DockerApi } from './docker-api.ts';
import type { Network } from './keeping.ts';
import { forgetContainers } from './stale-containers.ts';

const START_MS = 60_000;
const STOP_MS = 30_000;

export interface Engine {
  readonly box: Box;
  readonly api: DockerApi;
  /** What Docker's and Compose's command lines find this engine by. */
  readonly env: Readonly<Record<string, string>>;
  /** Docker Compose, to its end, with progress. @throws Error with the end of its output. */
  compose(
    what: string,
    args: readonly string[],
    options?: { cwd?: string; env?: NodeJS.ProcessEnv },
  ): Promise<string>;
}

/** Where images are kept. */
export const dataRoot = (): string => {
  const folder = join(CACHE, 'engine', 'docker');
  mkdirSync(folder, { recursive: true });
  // Worktrees may share one by a link.
  return realpathSync(folder);
};

/** @returns the path of dockerd. */
export const setupDocker = (): Promise<string> =>
  systemProgram('Docker’s engine', ['dockerd'], ['docker.io', 'containerd', 'runc', 'iptables']);

const NETWORK: Readonly<Record<Network, readonly string[]>> = {
  // The range for tests of isolated networks (RFC 2544): nothing of it can be taken for an address elsewhere.
  own: ['--bip=198.18.0.1/24', '--default-address-pool=base=198.18.64.0/18,size=24'],
  // Nothing of the machine's network is changed; builds ask for `network: host`.
  machine: ['--bridge=none', '--iptables=false', '--ip-forward=false'],
};

async function start(box: Box, dockerd: string, network: Network): Promise<ChildProcess> {
  const at = (name: string) => join(box.folder, name);
  const log = openSync(at('dockerd.log'), 'w');
  const child = box.spawn(
    dockerd,
    [
      `--data-root=${dataRoot()}`,
      `--exec-root=${at('exec')}`,
      `--pidfile=${at('docker.pid')}`,
      `--host=unix://${at('docker.sock')}`,
      '--log-level=warn',
      ...NETWORK[network],
    ],
    { stdio: ['ignore', log, log] },
  );
  const api = new DockerApi(at('docker.sock'));
  await untilReady('Docker’s engine', child, api.ping, {
    ms: START_MS,
    said: () => readFileSync(at('dockerd.log'), 'utf8').trimEnd().split('\n').slice(-20).join('\n'),
  });
  return child;
}

/** Ends it as it should be, so that its books of images are in order. */
async function stop(box: Box, child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  box.signal(child, 'SIGTERM');
  await Promise.race([gone, sleep(STOP_MS, undefined, { ref: false })]);
}

/**
 * Starts an engine, does the work, and removes the engine again.
 *
 * @throws Error when this machine can't have one, and what the work throws.
 */
export async function withEngine<T>(
  { network }: { readonly network: Network },
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const dockerd = await setupDocker();
  return withLock('engine-images', async () => {
    forgetContainers(dataRoot());
    const box = await startBox({ name: 'engine', network });
    try {
      const child = await start(box, dockerd, network);
      const api = new DockerApi(join(box.folder, 'docker.sock'));
      const env = {
        DOCKER_HOST: `unix://${join(box.folder, 'docker.sock')}`,
        // The user's own logins and settings are not asked.
        DOCKER_CONFIG: join(box.folder, 'config'),
      };
      try {
        return await work({
          box,
          api,
          env,
          compose: async (what, args, options = {}) =>
            run(what, await setupCompose(), args, { ...options, env: { ...env, ...options.env } }),
        });
      } finally {
        await api.clear().catch(() => {});
        await stop(box, child);
      }
    } finally {
      await box.stop();
    }
  });
}

/** Writes images into one tar, as `docker save` does. */
export async function saveImages(engine: Engine, names: readonly string[], file: string): Promise<void> {
  const query = names.map((name) => `names=${encodeURIComponent(name)}`).join('&');
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const socketPath = join(engine.box.folder, 'docker.sock');
    get({ socketPath, path: `/images/get?${query}` }, resolve).once('error', reject);
  });
  if (response.statusCode !== 200)
    throw new Error(`saving ${names.join(', ')} failed: ${response.statusCode}`);
  await pipeline(response, createWriteStream(file));
}
