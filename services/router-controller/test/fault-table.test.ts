import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { CELLS, type Cell, runFaultTable } from './fault-table.ts';

describe('the fault table', () => {
  const cells = new Map<string, Cell>();
  const nameOf = ({ fault, stream, fallback }: Omit<Cell, 'got' | 'expected'>) =>
    `${fault} ${stream} ${fallback}`;

  before(async () => {
    await runFaultTable((cell) => cells.set(nameOf(cell), cell));
  });

  for (const planned of CELLS) {
    test(`${planned.name}: ${planned.expected}`, () => {
      assert.equal(cells.get(nameOf(planned))?.got, planned.expected);
    });
  }
});
