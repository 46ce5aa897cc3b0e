/** Clients of others, for `npm run conformance`: two Python environments and a folder of Node modules, pinned whole. */
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, ensure, findPython, hashHere, hashOf, ROOT, readText, run, venv } from './lib.ts';

/** Where the scripts that use them lie. */
export const CLIENTS = join(ROOT, 'services', 'conformance');

export interface Clients {
  /** Interpreter with the OpenAI-like clients. */
  readonly python: string;
  /** Interpreter with LlamaIndex, which wants an older openai. */
  readonly llamaindex: string;
  /** Folder with `node_modules`. */
  readonly node: string;
}

async function environment(name: string, requirements: string): Promise<string> {
  const { command, version } = await findPython('Clients of others', { from: 10, to: 14 });
  const python = join(CACHE, name, 'bin', 'python');
  await ensure(name, hashHere(readText(requirements), version), python, async () => {
    // Pinned with all that they need, so nothing is to be resolved: resolving takes pip many minutes here.
    await venv(name, command, ['--no-deps', '-r', join(ROOT, requirements)]);
  });
  return python;
}

async function modules(): Promise<string> {
  const folder = join(CACHE, 'clients-node');
  const lock = 'services/conformance/node/package-lock.json';
  await ensure('clients-node', hashOf(readText(lock)), join(folder, 'node_modules'), async () => {
    if (existsSync(folder)) rmSync(folder, { recursive: true });
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
      cpSync(join(CLIENTS, 'node', file), join(folder, file));
    await run('clients-node: npm ci', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
    });
  });
  return folder;
}

export async function setupClients(): Promise<Clients> {
  return {
    python: await environment('clients-python', 'services/conformance/python/requirements.txt'),
    llamaindex: await environment(
      'clients-llamaindex',
      'services/conformance/python/requirements-llamaindex.txt',
    ),
    node: await modules(),
  };
}
