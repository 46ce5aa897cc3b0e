/** The chart as it was: taken out of git, packaged as it is published, installed, and brought to this checkout's and back under load. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CHART } from '../../../deploy/helm/src/files.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { setupHelm } from '../../parts/helm.ts';
import { ROOT, readText } from '../../parts/lib.ts';
import { type Event, podsOf, untilPods, type World } from './doing.ts';

const run = promisify(execFile);
const BEFORE = '0.0.9';
const NOW = /^appVersion: (\S+)$/m.exec(readText(`${CHART}/Chart.yaml`))![1]!;
const git = async (...args: string[]) => (await run('git', args, { cwd: ROOT })).stdout.trim();

/**
 * The revision before: the newest tag whose chart differs from this checkout's; where there is no such tag, the last commit with another
 * chart.
 *
 * @throws Error when git does not know one: a shallow clone, or no clone at all.
 */
async function revisionBefore(): Promise<string> {
  const tags = (await git('tag', '--merged', 'HEAD', '--sort=-creatordate')).split('\n').filter(Boolean);
  const now = await git('rev-parse', `HEAD:${CHART}`);
  const commits = (await git('rev-list', 'HEAD', '--', CHART)).split('\n').filter(Boolean);
  for (const revision of [...tags, ...commits]) {
    const there = await git('rev-parse', '--verify', '--quiet', `${revision}:${CHART}`).catch(() => now);
    if (there !== now) return revision;
  }
  throw new Error(
    'git knows no chart before this one: name one by --from REVISION, or clone with its history',
  );
}

export interface ChartBefore {
  /** Its commit, and when it was made. */
  readonly revision: string;
  /** A .tgz, as `helm package` writes it. */
  readonly file: string;
}

/**
 * Its version is another one than this checkout's, as it is between releases, so that every pod of the router rolls. The images behind both
 * are today's.
 *
 * @param from a revision of git; absent: see `revisionBefore`.
 */
export async function packChartBefore(cluster: Cluster, from?: string): Promise<ChartBefore> {
  const revision = from ?? (await revisionBefore());
  const folder = join(cluster.box.folder, 'chart-before');
  mkdirSync(folder);
  await git('archive', '--format=tar', `--output=${join(folder, 'chart.tar')}`, revision, CHART);
  await run('tar', ['--extract', '--file', join(folder, 'chart.tar'), '--directory', folder]);
  const version = ['--version', BEFORE, '--app-version', BEFORE];
  await run(await setupHelm(), ['package', join(folder, CHART), ...version, '--destination', folder]);
  const file = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (!file) throw new Error(`helm package made no .tgz of the chart of ${revision}`);
  for (const { ctr } of cluster.nodes)
    for (const name of ['controller', 'server']) {
      const image = `docker.io/library/llm-router-${name}`;
      await ctr(['images', 'tag', `${image}:${NOW}`, `${image}:${BEFORE}`]);
    }
  return { revision: await git('log', '-1', '--format=%h of %cs', revision), file: join(folder, file) };
}

/** Waits until all is settled. @throws Error when a part's pods are those of before. */
async function rolls(world: World, work: () => Promise<unknown>): Promise<void> {
  const parts = { controller: 2, classifier: 1 };
  const uids = async (part: string) => (await podsOf(world, part)).map(({ metadata }) => metadata.uid);
  const before = new Set((await Promise.all(Object.keys(parts).map(uids))).flat());
  await work();
  for (const [part, count] of Object.entries(parts)) {
    await untilPods(world, part, count);
    if ((await uids(part)).some((uid) => before.has(uid)))
      throw new Error(`pods of the ${part} were not rolled`);
  }
}

/** Of a world that was installed from the chart before. */
export const CHART_EVENTS: readonly Event[] = [
  {
    name: 'upgraded from the chart before',
    kind: 'rollout',
    run: (world) => rolls(world, () => world.release.upgrade(world.values)),
  },
  {
    name: 'rolled back to the chart before',
    kind: 'rollout',
    run: (world) =>
      rolls(world, () => world.release.helm('rollback', world.release.name, '--wait', '--timeout', '4m')),
  },
];
