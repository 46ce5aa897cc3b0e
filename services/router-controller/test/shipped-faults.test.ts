import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { runShippedFaults, SHIPPED_CELLS, type ShippedResult } from './shipped-faults.ts';

describe('silent upstreams at the shipped limits', () => {
  const results = new Map<string, ShippedResult>();

  before(async () => {
    await runShippedFaults((cell) => results.set(cell.name, cell));
  });

  for (const { name, expected, within } of SHIPPED_CELLS) {
    test(`${name}: ${expected}, within ${within} s`, () => {
      const result = results.get(name)!;
      assert.equal(result.got, expected);
      assert.ok(result.seconds <= within, `after ${result.seconds} s`);
    });
  }
});
