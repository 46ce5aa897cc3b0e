/** Runs one example as its page shows: its commands, in its folder, with the clients that it needs. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { programOf } from '../../services/bundler/src/program.ts';
import type { Clients } from '../parts/clients.ts';
import { ROOT } from '../parts/lib.ts';
import { comparable, stepsOf, withOutputs } from '../tutorial/page.ts';
import { walk } from '../tutorial/walk.ts';
import { basesIn, checkBase, checkForm, modelIn, settingsOf } from './blocks.ts';

export const EXAMPLES = join(ROOT, 'examples');

/** Where the pages say the router is. */
const SHOWN = 'http://127.0.0.1:8084';
const MINUTES = 3;

/** It needs an older openai than the other Python clients. */
const OLD_OPENAI = 'llamaindex';

/** Settings under which no client calls anybody but the router. */
const QUIET = {
  OPENAI_AGENTS_DISABLE_TRACING: '1',
  DO_NOT_TRACK: '1',
  LANGCHAIN_TRACING_V2: 'false',
  PYTHONDONTWRITEBYTECODE: '1',
};

export interface Outcome {
  readonly name: string;
  /** Null: it does what its page shows. */
  readonly problem: string | null;
  /** It runs, and prints something else than its page shows. */
  readonly differs: boolean;
  /** The page with what its commands print now. */
  readonly page: string;
}

/** The example with the router's real address, in a folder from which Node finds the clients' modules. */
function copyOf(name: string, clients: Clients, url: string): string {
  const folder = join(clients.node, `examples-${process.pid}`, name);
  cpSync(join(EXAMPLES, name), folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(SHOWN, url));
  }
  return folder;
}

/** A folder with `python` and `node` as the example wants them, and this checkout's own `npx llm-router`. */
function programsIn(folder: string, python: string): string {
  const bin = join(folder, '.bin');
  mkdirSync(bin);
  for (const [name, program] of [
    ['python', python],
    ['node', process.execPath],
  ])
    writeFileSync(join(bin, name!), `#!/bin/sh\nexec '${program}' "$@"\n`, { mode: 0o755 });
  const main = programOf(join(ROOT, 'services/cli/src/main.ts'));
  writeFileSync(
    join(bin, 'npx'),
    `#!/bin/sh\n[ "$1" = llm-router ] || exit 127\nshift\nexec '${process.execPath}' '${main}' "$@"\n`,
    { mode: 0o755 },
  );
  return bin;
}

async function checkSettings(page: string): Promise<void> {
  for (const setting of settingsOf(page)) {
    checkForm(setting);
    for (const base of basesIn(setting)) await checkBase(base, modelIn(setting));
  }
}

/** Never rejects: what goes wrong is the example's outcome. */
export async function runExample(name: string, clients: Clients, url: string): Promise<Outcome> {
  const shown = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8');
  const folder = copyOf(name, clients, url);
  try {
    const page = readFileSync(join(folder, 'README.md'), 'utf8');
    await checkSettings(page);
    const steps = stepsOf(page);
    if (steps.length === 0) throw new Error('its page has no command');
    const bin = programsIn(folder, name === OLD_OPENAI ? clients.llamaindex : clients.python);
    const env = { ...QUIET, PATH: `${bin}${delimiter}${process.env.PATH}` };
    const outputs = (await walk(steps, MINUTES, { cwd: folder, env })).map((output) =>
      output.replaceAll(url, SHOWN),
    );
    const wrong = steps.findIndex(
      ({ output }, at) => output === null || comparable(output) !== comparable(outputs[at]!),
    );
    return {
      name,
      problem:
        wrong < 0
          ? null
          : `prints something else than its page shows\nshown:\n${steps[wrong]!.output ?? '(nothing)\n'}printed:\n${outputs[wrong]}`,
      differs: wrong >= 0,
      page: withOutputs(withPlaces(shown), outputs),
    };
  } catch (error) {
    const problem = (error as Error).message.replaceAll(url, SHOWN);
    return { name, problem, differs: false, page: shown };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A page that shows no output yet gets a place for it under each command. */
const withPlaces = (page: string): string =>
  page.replaceAll(/^```sh\n[\s\S]*?^```\n(?!\n^```text\n)/gm, (block) => `${block}\n\`\`\`text\n\`\`\`\n`);
