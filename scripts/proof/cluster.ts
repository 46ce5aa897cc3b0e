/**
 * `npm run proof:cluster -- [--json] [--images FILE] [--only WORDS] [--from REVISION]`: the chart in a real Kubernetes of two nodes. Installs every values
 * file, tries every arrow of the network policy, and lets happen to a release under load what happens in its life. Ends with one
 * line of JSON: `{"installs","helm_tests","events","requests","lost","cut_streams","fallen_back_in_rollouts","network_arrows_ok"}`.
 * Exits 1 when a request was lost, a stream cut, a prompt of a rollout fell back, or anything else was not as it should be.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { productImages, tritonImage } from '../cluster/images.ts';
import { setupCluster, setupMetricsServer } from '../parts/cluster.ts';
import { setupContour } from '../parts/contour.ts';
import { changesSince, machineState } from '../test/machine-state.ts';
import { type ArrowResult, tryArrows, wrongArrows } from './cluster/arrows.ts';
import { CHART_EVENTS, packChartBefore } from './cluster/chart-before.ts';
import type { Event } from './cluster/doing.ts';
import { EVENTS } from './cluster/events.ts';
import { PLACEMENT, type PlacementResult, placeOnGpus } from './cluster/gpu.ts';
import { installAll } from './cluster/installs.ts';
import { startNeighbours } from './cluster/neighbours.ts';
import { eventsTable, placementTable, podsTable } from './cluster/report.ts';
import { type EventResult, runEvents, startWorld } from './cluster/world.ts';

const HELP = `npm run proof:cluster -- [--json] [--images FILE] [--only WORDS] [--from REVISION]

  --json           progress on standard error; standard output has the last line alone
  --images FILE    the images as docker save writes them, instead of building them
  --only WORDS     events whose name has these words, and no installs of values files; GPUs: where classifiers that ask for one are
                   placed. Given more than once: all of these
  --from REVISION  whose chart is upgraded to this one; default: the newest tag with another chart, else the last such commit`;

function flags() {
  try {
    return parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        images: { type: 'string' },
        only: { type: 'string', multiple: true },
        from: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

const { json, images, only, from, help } = flags();
if (help) {
  console.log(HELP);
  process.exit(0);
}
// What sets parts up tells its progress by console.log.
if (json) console.log = console.error;
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const isChosen = (name: string) => !only || only.some((words) => name.includes(words));
const chosen = (events: readonly Event[]) => events.filter(({ name }) => isChosen(name));
const [events, chartEvents] = [chosen(EVENTS), chosen(CHART_EVENTS)];
const all = [...events, ...chartEvents];
const places = isChosen(PLACEMENT);
if (all.length === 0 && !places) {
  const names = [...EVENTS, ...CHART_EVENTS].map(({ name }) => name);
  console.error(
    `no event's name has '${only?.join("' or '")}'; there are: ${[...names, PLACEMENT].join('; ')}`,
  );
  process.exit(2);
}
const isNeeded = (what: Event['needs']) =>
  all.some(({ needs }) => needs === what) || (what === 'triton' && places);
const say = (line: string) => console.log(line);

/** The release that lives through all events. */
async function liveThrough(cluster: Cluster): Promise<{ arrows: ArrowResult[]; told: EventResult[] }> {
  const world = await startWorld(cluster);
  const arrows = await tryArrows(cluster, world.release);
  console.log(
    `network policy: ${arrows.length} arrows tried, ${wrongArrows(arrows).length} not as they should be`,
  );
  const told = await runEvents(world, events, say);
  await world.load.stop();
  await world.release.uninstall();
  return { arrows, told };
}

/** Another, which begins with the chart before. */
async function upgradeFrom(cluster: Cluster): Promise<EventResult[]> {
  const { revision, file } = await packChartBefore(cluster, from);
  console.log(`the chart before: ${revision}`);
  const world = await startWorld(cluster, { namespace: 'before', chart: file });
  const told = await runEvents(world, chartEvents, say);
  await world.load.stop();
  return told;
}

async function prove() {
  const programs = await setupCluster();
  const archives = [
    images ? resolve(images) : await productImages(),
    ...(isNeeded('triton') ? [await tritonImage()] : []),
  ];
  if (isNeeded('metrics')) await setupMetricsServer();
  if (isNeeded('ingress')) await setupContour();
  const before = machineState();
  const begun = Date.now();
  const cluster = await startCluster({ nodes: 2, programs, say });
  const problems: string[] = [];
  try {
    await cluster.loadImages(archives);
    console.log(`  cluster with images: ${Math.round((Date.now() - begun) / 1_000)} s`);
    const installs = only
      ? []
      : await installAll(cluster, await startNeighbours(cluster), ({ values, seconds, error }) =>
          console.log(
            `${error ? '✖' : '✔'} ${values}.yaml: ready after ${seconds.toFixed(1)} s${error ? `\n    ${error}` : ', helm test passed'}`,
          ),
        );
    problems.push(...installs.flatMap(({ values, error }) => (error ? [`${values}: ${error}`] : [])));
    const placed: PlacementResult[] = places
      ? await placeOnGpus(cluster, ({ values, placed, error }) =>
          console.log(
            `${error ? '✖' : '✔'} ${PLACEMENT}, ${values}.yaml: ${error ?? `${placed}, each its own; none without, none too many`}`,
          ),
        )
      : [];
    problems.push(...placed.flatMap(({ values, error }) => (error ? [`GPUs, ${values}: ${error}`] : [])));
    if (isNeeded('metrics')) await cluster.addMetrics();
    const { arrows, told: lived } = all.length > 0 ? await liveThrough(cluster) : { arrows: [], told: [] };
    problems.push(...wrongArrows(arrows));
    const told = [...lived, ...(chartEvents.length > 0 ? await upgradeFrom(cluster) : [])];
    problems.push(...told.flatMap(({ name, error }) => (error ? [`${name}: ${error}`] : [])));
    console.log(
      `\n${eventsTable(told)}\n\n${podsTable(told.flatMap(({ pods }) => pods))}\n\n${placementTable(placed)}`,
    );
    const lives = all.length === 0 ? 0 : chartEvents.length > 0 ? 2 : 1;
    const sum = (key: 'requests' | 'lost' | 'cut') => told.reduce((all, event) => all + event[key], 0);
    return {
      problems,
      result: {
        // The releases that live through the events are more of them.
        installs: installs.filter(({ seconds }) => seconds > 0).length + lives,
        helm_tests: installs.filter(({ error }) => error === null).length + lives,
        events: told.length,
        requests: sum('requests'),
        lost: sum('lost'),
        cut_streams: sum('cut'),
        fallen_back_in_rollouts: told
          .filter(({ kind }) => kind === 'rollout')
          .reduce((all, { fellBack }) => all + fellBack, 0),
        network_arrows_ok: wrongArrows(arrows).length === 0,
      },
    };
  } finally {
    await cluster.stop();
    // What went is others' doing.
    const left = changesSince(before).filter((change) => change.startsWith('+'));
    if (left.length > 0) problems.push(`left on the machine: ${left.join('; ')}`);
  }
}

try {
  const { problems, result } = await prove();
  for (const problem of problems) console.error(`✖ ${problem}`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  const { lost, cut_streams, fallen_back_in_rollouts } = result;
  process.exit(problems.length + lost + cut_streams + fallen_back_in_rollouts > 0 ? 1 : 0);
} catch (error) {
  console.error(`proof:cluster failed: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
