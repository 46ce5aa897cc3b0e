import type { Cluster } from '../../cluster/cluster.ts';
import { type Load, type LoadOptions, startLoad, type Tally, tally, together } from '../../cluster/load.ts';
import { install, prepareNamespace, type Release, valuesHere } from '../../cluster/release.ts';
import { valuesFiles } from '../../deploy/chart.ts';
import type { Event } from './doing.ts';
import { type PodRow, seenPods } from './report.ts';

export interface World {
  readonly cluster: Cluster;
  readonly release: Release;
  /** Values over the ready-made ones, by which the release was installed. */
  readonly values: object;
  readonly load: Load;
  /** What that load is, for more of its kind. */
  readonly asking: LoadOptions;
}

export const NAMESPACE = 'llm';
/** Requests a second. */
const RATE = 8;
/** The load ends by itself after so long. */
const LONGEST_S = 3_600;

export interface WorldOptions {
  /** Requests a second; each takes a second or two. */
  readonly rate?: number;
  readonly namespace?: string;
  /** Absent: this checkout's. */
  readonly chart?: string;
}

/** Installs laptop.yaml with two controllers and a single classifier, tests it, and begins to ask. */
export async function startWorld(
  cluster: Cluster,
  { rate = RATE, namespace = NAMESPACE, chart }: WorldOptions = {},
): Promise<World> {
  await prepareNamespace(cluster, namespace);
  const values = valuesHere({ controller: 2, classifier: 1 });
  const files = [valuesFiles().get('laptop')!];
  const release = await install(cluster, { name: 'router', namespace, files, over: values, chart });
  await release.test();
  const image = 'llm-router-stand-in-llms:0.1.0';
  const asking = { namespace, url: release.url, rate, seconds: LONGEST_S, image };
  return { cluster, release, values, asking, load: await startLoad(cluster, asking) };
}

export interface EventResult extends Tally {
  readonly name: string;
  readonly kind: Event['kind'];
  readonly seconds: number;
  readonly error: string | null;
  /** Those that ran when it had settled. */
  readonly pods: readonly PodRow[];
}

const NOTHING: Tally = tally([]);

/** One after the other; one that does not come to its end does not keep the others from it. */
export async function runEvents(
  world: World,
  events: readonly Event[],
  say: (line: string) => void,
): Promise<EventResult[]> {
  const results: EventResult[] = [];
  for (const { name, kind, run } of events) {
    const begun = Date.now();
    let error: string | null = null;
    let more = NOTHING;
    const own = await world.load
      .during(() =>
        run(world, (tally) => {
          more = together(more, tally);
        }).catch((failure: Error) => {
          error = failure.message;
        }),
      )
      .catch((failure: Error) => {
        error ??= failure.message;
        return NOTHING;
      });
    const told = together(own, more);
    const seconds = Math.round((Date.now() - begun) / 1_000);
    const pods = await seenPods(world);
    results.push({ ...told, name, kind, seconds, error, pods });
    const isGood = !error && told.lost + told.cut === 0 && (kind === 'outage' || told.fellBack === 0);
    say(
      `${isGood ? '✔' : '✖'} ${name}: ${told.requests} requests in ${seconds} s, ${told.lost} lost, ${told.cut} cut, ${told.fellBack} fell back`,
    );
    for (const line of [...(error ? [error as string] : []), ...(isGood ? [] : told.examples)])
      say(`    ${line}`);
  }
  return results;
}
