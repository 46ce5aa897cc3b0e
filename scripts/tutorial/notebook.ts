/** A notebook: run as a reader runs it, and its outputs held against those that it shows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../parts/lib.ts';
import { setupNotebooks } from '../parts/notebooks.ts';
import { runGroup } from './group.ts';
import { comparable } from './page.ts';

/** Longest run of a notebook. */
const MINUTES = 15;

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
  const { code, out, err } = await runGroup(
    python,
    [join(ROOT, 'scripts/tutorial/run_notebook.py'), file, ROOT],
    {
      cwd: ROOT,
      env: {
        IPYTHONDIR: scratch,
        JUPYTER_CONFIG_DIR: scratch,
        JUPYTER_RUNTIME_DIR: scratch,
        PYTHONDONTWRITEBYTECODE: '1',
      },
      minutes: MINUTES,
      keep: 6_000,
    },
  );
  rmSync(scratch, { recursive: true, force: true });
  if (code !== 0) throw new Error(`${file.replace(`${ROOT}/`, '')} failed:\n${err}`);
  return out;
}
