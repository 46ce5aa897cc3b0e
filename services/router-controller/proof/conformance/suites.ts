/** The clients by name, and how each is run. */
import { spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CLIENTS, setupClients } from '../../../../scripts/parts/clients.ts';
import { claudeCode, codex } from './agents.ts';
import type { World } from './world.ts';

export interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly error?: string;
}

export interface ClientSuite {
  readonly name: string;
  readonly run: (world: World) => Promise<Check[]>;
}

/** A suite that hangs is ended, and what it had not told counts as failed. */
const SUITE_MS = 180_000;

/** Settings under which a client calls nobody but the router. */
const QUIET = {
  OPENAI_AGENTS_DISABLE_TRACING: '1',
  LITELLM_LOCAL_MODEL_COST_MAP: 'True',
  DO_NOT_TRACK: '1',
  LANGCHAIN_TRACING_V2: 'false',
};

async function runClient(command: string, script: string, { url, key }: World): Promise<Check[]> {
  const child = spawn(command, [script, url], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...QUIET,
      CONFORMANCE_KEY: key,
      OPENAI_API_KEY: key,
      ANTHROPIC_API_KEY: key,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const checks: Check[] = [];
  let last = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{"check"')) return;
    checks.push(JSON.parse(line) as Check);
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.trim() !== '') last = line;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), SUITE_MS);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  if (code !== 0 || checks.length === 0)
    checks.push({ check: 'the script itself', ok: false, error: `exit ${code}: ${last.slice(0, 300)}` });
  return checks;
}

const python = (
  name: string,
  script: string,
  environment: 'python' | 'llamaindex' = 'python',
): ClientSuite => ({
  name,
  run: async (world) => {
    const parts = await setupClients();
    return runClient(parts[environment], join(CLIENTS, 'python', script), world);
  },
});

const node = (name: string, script: string): ClientSuite => ({
  name,
  run: async (world) => {
    const parts = await setupClients();
    // Modules are found from where a script lies, so the scripts lie beside what is installed for them.
    cpSync(join(CLIENTS, 'node'), parts.node, { recursive: true });
    return runClient(process.execPath, join(parts.node, script), world);
  },
});

export const clientSuites = (): readonly ClientSuite[] => [
  python('openai-python', 'openai_client.py'),
  node('openai-node', 'openai_client.mjs'),
  python('anthropic-python', 'anthropic_client.py'),
  node('anthropic-node', 'anthropic_client.mjs'),
  python('agents-python', 'agents_client.py'),
  node('agents-node', 'agents_client.mjs'),
  node('vercel-ai', 'vercel_client.mjs'),
  python('langchain-python', 'langchain_client.py'),
  node('langchain-node', 'langchain_client.mjs'),
  python('llamaindex', 'llamaindex_client.py', 'llamaindex'),
  python('pydantic-ai', 'pydanticai_client.py'),
  python('instructor', 'instructor_client.py'),
  python('litellm', 'litellm_client.py'),
  { name: 'claude-code', run: claudeCode },
  { name: 'codex', run: codex },
];
