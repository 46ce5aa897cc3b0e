import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrows, partOf } from './imports.ts';
import { picture, WAY } from './picture.ts';

test('a step of the way imports none that comes after it', () => {
  const at = (name: string) => (WAY as readonly string[]).indexOf(name);
  const all = arrows();
  assert.ok(all.length > 30, `${all.length} arrows`);
  const back = all.filter(({ from, to }) => at(from) >= 0 && at(to) > at(from));
  assert.deepEqual(back, []);
});

test('imports are read from the code: by path, by package, also lazy ones; tests are none of it', () => {
  const files: Record<string, string> = {
    'services/router-controller/src/call/a.ts':
      "import { x } from '../config/index.ts';\nimport type { y } from '../errors.ts';\nconst z = await import('../decide/z.ts');",
    'services/router-controller/src/call/a.test.ts': "import { x } from '../settle/index.ts';",
    'services/cli/src/commands/b.ts': "import { start } from '@llm-router/controller';",
  };
  assert.deepEqual(
    arrows(Object.keys(files), (path) => files[path]!),
    [
      { from: 'call', to: 'config', count: 1 },
      { from: 'call', to: 'decide', count: 1 },
      { from: 'cli', to: 'controller', count: 1 },
    ],
  );
  assert.equal(partOf('services/playground/src/index.ts'), 'playground');
});

test('a part that nobody has placed yet is drawn below the others', () => {
  const drawn = picture([{ from: 'attic', to: 'call', count: 1 }]);
  assert.match(drawn, /attic imports call in 1 places/);
  assert.match(drawn, /y="535"[^>]*>.*>attic</);
});
