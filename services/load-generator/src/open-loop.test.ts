import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isStreamed, openLoop, plannedOf } from './open-loop.ts';

const forever = new AbortController().signal;

describe('the open loop', () => {
  test('keeps the intended times when requests hold it up', async () => {
    const times: number[] = [];
    const begun = await openLoop({
      rate: 100,
      seconds: 0.2,
      signal: forever,
      begin: (index, intendedAt) => {
        times.push(intendedAt);
        // A slow moment: everything after it is late, and none of it moves.
        if (index === 3) for (const end = performance.now() + 80; performance.now() < end; );
      },
    });
    assert.equal(begun, 20);
    times.forEach((time, index) => {
      assert.ok(Math.abs(time - times[0]! - index * 10) < 1e-6, `${index} was moved`);
    });
  });

  test('lets answers in while it catches up', async () => {
    let answered = 0;
    const atOnce: number[] = [];
    let underWay = 0;
    await openLoop({
      rate: 400,
      seconds: 0.2,
      signal: forever,
      begin: (index) => {
        atOnce.push(++underWay);
        setImmediate(() => {
          underWay--;
          answered++;
        });
        if (index === 0) for (const end = performance.now() + 150; performance.now() < end; );
      },
    });
    await new Promise(setImmediate);
    assert.equal(answered, 80);
    assert.ok(Math.max(...atOnce) <= 2, `${Math.max(...atOnce)} at once`);
  });

  test('stops when told, also in its sleep', async () => {
    const stopping = new AbortController();
    const begun = await openLoop({
      rate: 0.1,
      seconds: 100,
      signal: stopping.signal,
      begin: () => setImmediate(() => stopping.abort()),
    });
    assert.equal(begun, 1);
  });

  test('plans as many as rate and time say', () => {
    for (const [rate, seconds, planned] of [
      [5, 10, 50],
      [0.1, 30, 3],
      [0.01, 1, 1],
      [500, 3600, 1_800_000],
      [2.5, 3, 8],
    ] as const)
      assert.equal(plannedOf({ rate, seconds }), planned, `${rate} × ${seconds}`);
  });
});

test('the share that streams is exact and evenly spread', () => {
  for (const [share, wanted] of [
    [0, 0],
    [0.1, 10],
    [0.25, 25],
    [0.5, 50],
    [0.7, 70],
    [1, 100],
  ] as const) {
    const streamed = Array.from({ length: 100 }, (_, index) => isStreamed(index, share));
    assert.equal(streamed.filter(Boolean).length, wanted);
    for (let at = 0; at < 90; at++) {
      const inTen = streamed.slice(at, at + 10).filter(Boolean).length;
      assert.ok(Math.abs(inTen - share * 10) <= 1, `${share} at ${at}: ${inTen}`);
    }
  }
});
