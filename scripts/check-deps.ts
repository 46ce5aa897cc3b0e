/**
 * `npm run check:deps [-- --advisories PATH] [--json]`: whether an advisory speaks of a package of the lists (docs/reference/sbom).
 *
 * Advisories are read from files in OSV's form, so it works without a network; without files the registry is asked
 * through pnpm. Exit codes: 0 nothing found, 1 something found, 3 nothing could be checked.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { lastLine } from '../services/cli/src/lib/last-line.ts';
import { waiting } from '../services/process/src/progress.ts';
import { type Advisory, readAdvisories, speaksOf } from './deps/advisory.ts';
import { CACHE, ROOT } from './parts/lib.ts';
import { NPM, PYTHON, readParts } from './sbom/files.ts';

const HELP = `npm run check:deps [-- --advisories PATH] [--json]

  --advisories PATH  a folder or file of advisories in OSV's form, such as an unpacked export of osv.dev (npm, PyPI) or a
                     checkout of GitHub's advisory database (default: LLM_ROUTER_ADVISORIES, else .cache/advisories)
  --json             the last line is {"outcome", "found"}; all else goes to standard error`;

const { values } = parseArgs({
  options: {
    advisories: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});
const end = lastLine(values.json);
/** Lines that were found. */
const findings: string[] = [];
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const [CLEAN, FOUND, UNCHECKED] = [0, 1, 3] as const;

const named = values.advisories ?? process.env.LLM_ROUTER_ADVISORIES;
const path = named ? resolve(process.env.INIT_CWD ?? process.cwd(), named) : join(CACHE, 'advisories');

function fromFiles(): number {
  const advisories = readAdvisories(path);
  const ecosystems = new Set(
    advisories.flatMap(({ affected }) => (affected ?? []).map((item) => item.package?.ecosystem)),
  );
  const lists = [
    ['npm', readParts(NPM)],
    ['PyPI', readParts(PYTHON)],
  ] as const;
  let found = 0;
  const unchecked: string[] = [];
  for (const [ecosystem, parts] of lists) {
    if (!ecosystems.has(ecosystem)) {
      unchecked.push(ecosystem);
      continue;
    }
    for (const { name, version, isRuntime } of parts)
      for (const advisory of advisories.filter((one) => speaksOf(one, ecosystem, name, version))) {
        found++;
        find(tell(ecosystem, `${name} ${version}`, isRuntime, advisory));
      }
    console.log(`${ecosystem}: ${parts.length} packages`);
  }
  console.log(`${advisories.length} advisories of ${path}: ${found} speak of our packages`);
  if (unchecked.length > 0)
    console.error(`NOT CHECKED: ${unchecked.join(' and ')}, of which these files hold no advisory`);
  if (found > 0) return FOUND;
  return unchecked.length > 0 ? UNCHECKED : CLEAN;
}

function find(line: string): void {
  findings.push(line);
  console.log(line);
}

const tell = (ecosystem: string, what: string, isRuntime: boolean, { id, aliases, summary }: Advisory) =>
  `${ecosystem} ${what} (${isRuntime ? 'runs' : 'builds and tests'}): ${[id, ...(aliases ?? [])].join(', ')}: ${summary ?? 'no summary'}`;

/** The registry's own audit, of npm's packages alone. */
function fromRegistry(): Promise<number> {
  return new Promise((done) => {
    const args = ['--yes', 'pnpm@12.21.0', 'audit', '--json'];
    execFile('npx', args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 }, (_error, stdout, stderr) => {
      let advisories: Record<string, { module_name: string; severity: string; title: string; url: string }>;
      try {
        ({ advisories } = JSON.parse(stdout));
        if (typeof advisories !== 'object') throw new Error('no advisories');
      } catch {
        const [reason] = `${stdout}\n${stderr}`.split('\n').filter((line) => /error|ERR/i.test(line));
        console.error(
          `NOT CHECKED: no advisories at ${path}, and the registry does not audit (${(reason ?? 'no answer').trim()}).\n\n${HELP}`,
        );
        done(UNCHECKED);
        return;
      }
      const found = Object.values(advisories);
      for (const { module_name, severity, title, url } of found)
        find(`npm ${module_name}: ${severity}: ${title} ${url}`);
      console.log(`the registry knows ${found.length} advisories of our npm packages`);
      console.error('NOT CHECKED: PyPI, whose packages the registry of npm does not know');
      done(found.length > 0 ? FOUND : UNCHECKED);
    });
  });
}

try {
  process.exitCode =
    named || existsSync(path) ? fromFiles() : await waiting('asking the registry', fromRegistry);
} catch (error) {
  console.error(`NOT CHECKED: ${(error as Error).message}`);
  process.exitCode = UNCHECKED;
}
end({ outcome: ['clean', 'found', null, 'unchecked'][Number(process.exitCode)], found: findings });
