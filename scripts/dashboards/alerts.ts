/** What promtool says of the alerts. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ALERTS, type Alert } from '../../deploy/prometheus/src/alerts.ts';
import { proofsFiles, rulesFile, SCOPE } from '../../deploy/prometheus/src/files.ts';
import { setupPrometheus } from '../parts/prometheus.ts';

const run = promisify(execFile);

/** Runs work in a folder laid out as deploy/prometheus is, with files as the code gives them. */
async function withFiles<T>(alerts: readonly Alert[], work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-alerts-'));
  try {
    for (const name of ['rules', 'tests']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'rules', 'llm-router.yaml'), rulesFile());
    for (const [name, text] of Object.entries(proofsFiles(alerts)))
      writeFileSync(join(folder, 'tests', name), text);
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws Error with promtool's words when it does not take the rules. */
export async function checkRules(): Promise<string> {
  const { promtool } = await setupPrometheus();
  return withFiles(ALERTS, async (folder) => {
    // The chart's copy is narrowed to one release.
    const own = join(folder, 'own.yaml');
    writeFileSync(own, rulesFile(true).replaceAll(SCOPE, 'namespace="n",job="j",'));
    await run(promtool, ['check', 'rules', own]);
    const { stdout } = await run(promtool, ['check', 'rules', join(folder, 'rules', 'llm-router.yaml')]);
    return stdout;
  });
}

/**
 * Runs every proof.
 *
 * @returns the alerts that were quiet, fired and cleared as they should, and all that promtool said.
 */
export async function proveAlerts(
  alerts: readonly Alert[] = ALERTS,
): Promise<{ proven: string[]; output: string }> {
  const { promtool } = await setupPrometheus();
  return withFiles(alerts, async (folder) => {
    const proven: string[] = [];
    const said: string[] = [];
    for (const [name, text] of Object.entries(proofsFiles(alerts))) {
      const { stdout, stderr, failed } = await run(promtool, ['test', 'rules', join(folder, 'tests', name)], {
        maxBuffer: 16 * 1024 * 1024,
      }).then(
        (result) => ({ ...result, failed: false }),
        (error: { stdout: string; stderr: string }) => ({ ...error, failed: true }),
      );
      said.push(stdout, stderr);
      if (failed) continue;
      proven.push(
        ...alerts.map((alert) => alert.name).filter((each) => text.includes(`  - name: ${each}\n`)),
      );
    }
    return { proven, output: said.join('\n') };
  });
}
