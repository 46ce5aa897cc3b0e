/** A notebook: run as a reader runs it, and its outputs held against those that it shows. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../parts/lib.ts';
import { setupNotebooks } from '../parts/notebooks.ts';
import { comparable } from './page.ts';

interface Cell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly outputs?: readonly { readonly text?: string | readonly string[] }[];
}

/** What each code cell shows. */
export const shownBy = (notebook: string): { source: string; output: string }[] =>
  (JSON.parse(notebook) as { cells: Cell[] }).cells
    .filter(({ cell_type }) => cell_type === 'code')
    .map(({ source, outputs = [] }) => ({
      source: [source].flat().join(''),
      output: outputs.map(({ text = '' }) => [text].flat().join('')).join(''),
    }));

/** Cells that print something else than the notebook shows, numbers aside. */
export function differences(shown: string, printed: string): string[] {
  const now = shownBy(printed);
  return shownBy(shown).flatMap(({ source, output }, at) =>
    comparable(output) === comparable(now[at]?.output ?? '')
      ? []
      : [`cell ${at + 1}\n${source}\nshown:\n${output}\nprinted:\n${now[at]?.output}`],
  );
}

/**
 * @returns the notebook with the outputs of this run.
 * @throws Error with what the cell that failed said.
 */
export async function runNotebook(file: string): Promise<string> {
  const python = await setupNotebooks();
  const scratch = mkdtempSync(join(tmpdir(), 'llm-router-notebook-'));
  const child = spawn(python, [join(ROOT, 'scripts/tutorial/run_notebook.py'), file, ROOT], {
    cwd: ROOT,
    env: {
      ...process.env,
      IPYTHONDIR: scratch,
      JUPYTER_CONFIG_DIR: scratch,
      JUPYTER_RUNTIME_DIR: scratch,
      PYTHONDONTWRITEBYTECODE: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: routers that a failed notebook left behind end with it.
    detached: true,
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err = (err + chunk).slice(-6_000);
  });
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('exit', done);
  });
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
  rmSync(scratch, { recursive: true, force: true });
  if (code !== 0) throw new Error(`${file.replace(`${ROOT}/`, '')} failed:\n${err}`);
  return out;
}
