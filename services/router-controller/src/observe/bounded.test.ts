import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedNames, OTHER } from './bounded.ts';

test('the first names keep their series, all later ones share one', () => {
  const names = new BoundedNames(2);
  assert.deepEqual(
    ['a', 'b', 'a', 'c', 'd', 'b'].map((name) => names.label(name)),
    ['a', 'b', 'a', OTHER, OTHER, 'b'],
  );
});
