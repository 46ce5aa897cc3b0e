/**
 * `npm run check:dashboards -- [--json] [--seconds N] [--classifier triton|router-server] [--report DIR]`: a real run,
 * scraped by a real Prometheus, that every panel's queries are put to; and promtool's proof of every alert. Exits 1 when
 * a panel has no data or an alert is not proven.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ALERTS } from '../deploy/prometheus/src/alerts.ts';
import { checkRules, proveAlerts } from './dashboards/alerts.ts';
import { type Answer, askAll, hasData, inWords } from './dashboards/ask.ts';
import { writeReport } from './dashboards/report.ts';
import { type ClassifierKind, type Scene, startScene } from './dashboards/scene.ts';
import { ROOT } from './parts/lib.ts';
import { type RunningPrometheus, startPrometheus } from './parts/start-prometheus.ts';

const HELP = `npm run check:dashboards -- [--json] [--seconds N] [--classifier triton|router-server] [--report DIR]

  --json         only the last line, which is JSON
  --seconds N    how long traffic runs at most until every panel has data (default: 120)
  --classifier   triton (default): a real one, from its wheel; router-server: without Triton's panels
  --report DIR   writes the values and the lines of every panel there (Markdown, SVG)`;

function flags() {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean' },
        seconds: { type: 'string', default: '120' },
        classifier: { type: 'string', default: 'triton' },
        report: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const seconds = Number(values.seconds);
    // Shorter, and the windows of the queries hold nothing.
    if (!Number.isInteger(seconds) || seconds < 30)
      throw new Error(`--seconds must be an integer from 30 on, not '${values.seconds}'`);
    if (values.classifier !== 'triton' && values.classifier !== 'router-server')
      throw new Error(`--classifier must be triton or router-server, not '${values.classifier}'`);
    return { ...values, seconds, classifier: values.classifier as ClassifierKind };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

/** Between two rounds of the panels' queries: a scrape's, twice. */
const ASK_EVERY_MS = 2_000;

const options = flags();
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const say = (line: string) => {
  if (!options.json) console.log(line);
};

/** Asks every panel again and again until each has data, or the time is up: then as it is. */
async function untilData(prometheus: RunningPrometheus, has: ReadonlySet<string>): Promise<Answer[]> {
  for (const end = Date.now() + options.seconds * 1_000; ; await sleep(ASK_EVERY_MS)) {
    const answers = await askAll(prometheus, has);
    if (answers.every((answer) => answer.absent !== null || hasData(answer)) || Date.now() > end)
      return answers;
  }
}

/** Real Prometheus evaluates every rule without an error. */
async function brokenRules(prometheus: RunningPrometheus): Promise<string[]> {
  const { groups } = (await prometheus.api('rules')) as {
    groups: { rules: { name: string; health: string; lastError?: string; state: string }[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  for (const { name, state } of rules) if (state !== 'inactive') say(`alert ${name} is ${state}`);
  return rules.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => `${name}: ${lastError}`);
}

let scene: Scene | null = null;
let prometheus: RunningPrometheus | null = null;
async function stop(): Promise<void> {
  await scene?.stop();
  await prometheus?.stop();
}
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void stop().then(() => process.exit(1)));
process.once('disconnect', () => void stop().then(() => process.exit(1)));

try {
  say(`starting a router, its classifier (${options.classifier}) and stand-ins …`);
  scene = await startScene(options.classifier);
  prometheus = await startPrometheus({
    scrape: scene.scrape,
    rules: [join(ROOT, 'deploy', 'prometheus', 'rules', 'llm-router.yaml')],
    intervalSeconds: 1,
  });
  say(`traffic until every panel has data, at most ${options.seconds} s …`);
  const begun = Date.now();
  const answers = await untilData(prometheus, scene.has);
  const broken = await brokenRules(prometheus);
  say(`answers by status: ${JSON.stringify(Object.fromEntries(scene.answered))}`);
  let board = '';
  for (const answer of answers) {
    if (answer.board !== board) say(`\n${answer.board}`);
    board = answer.board;
    say(`  ${answer.panel.title.padEnd(44)} ${inWords(answer)}`);
  }
  if (options.report) {
    await writeReport(options.report, answers, prometheus, Math.ceil((Date.now() - begun) / 1_000));
    say(`\nreport in ${options.report}`);
  }
  await stop();

  say('\nproving the alerts …');
  await checkRules();
  const { proven, output } = await proveAlerts();
  if (proven.length < ALERTS.length) console.error(output);
  const here = answers.filter(({ absent }) => absent === null);
  const empty = here.filter((answer) => !hasData(answer));
  for (const answer of empty) console.error(`no data: ${answer.board}: ${answer.panel.title}`);
  for (const each of broken) console.error(`rule with an error: ${each}`);
  const result = {
    panels: here.length,
    panels_with_data: here.length - empty.length,
    alerts: ALERTS.length,
    alerts_proven: proven.length,
    // Their metrics can't exist on this machine.
    panels_not_here: answers.length - here.length,
  };
  console.log(JSON.stringify(result));
  process.exit(empty.length > 0 || broken.length > 0 || proven.length < ALERTS.length ? 1 : 0);
} catch (error) {
  await stop();
  console.error(`check:dashboards failed: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
