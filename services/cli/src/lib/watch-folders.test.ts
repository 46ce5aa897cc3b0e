import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { watchFolders } from './watch-folders.ts';

test('a file is heard of however often, and in whatever way, it is written', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-watch-'));
  const at = (name: string) => join(folder, name);
  mkdirSync(at('deep/er'), { recursive: true });
  mkdirSync(at('node_modules'));
  writeFileSync(at('deep/er/a.yaml'), '0');
  const told: string[] = [];
  let waiting: (() => void) | null = null;
  const end = watchFolders(
    [folder],
    (path) => !path.endsWith('node_modules'),
    (path) => {
      told.push(relative(folder, path));
      waiting?.();
    },
  );
  /** Resolves when the file has been told of after this. */
  const heard = async (name: string, act: () => void) => {
    const from = told.length;
    act();
    while (!told.slice(from).includes(name))
      await new Promise<void>((resolve) => {
        waiting = resolve;
      });
  };
  const inPlace = (text: string) => {
    writeFileSync(at('new'), text);
    renameSync(at('new'), at('deep/er/a.yaml'));
  };
  try {
    await heard('deep/er/a.yaml', () => writeFileSync(at('deep/er/a.yaml'), '1'));
    for (const text of ['2', '3', '4']) {
      await heard('deep/er/a.yaml', () => inPlace(text));
      await heard('deep/er/a.yaml', () => writeFileSync(at('deep/er/a.yaml'), `${text}${text}`));
    }
    writeFileSync(at('node_modules/x.ts'), '');
    await heard('later/on/b.ts', () => {
      mkdirSync(at('later/on'), { recursive: true });
      writeFileSync(at('later/on/b.ts'), '1');
    });
    await heard('later/on/b.ts', () => writeFileSync(at('later/on/b.ts'), '2'));
    await heard('later/on/b.ts', () => rmSync(at('later/on/b.ts')));
    assert.ok(!told.some((name) => name.startsWith('node_modules/')));
  } finally {
    end();
    rmSync(folder, { recursive: true });
  }
});
