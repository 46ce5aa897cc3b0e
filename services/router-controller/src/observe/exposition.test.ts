import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Registry } from 'prom-client';
import { Exposition } from './exposition.ts';

/** As many series as a large table of policies, labels and targets makes. */
function large(): Registry {
  const registry = new Registry();
  for (let metric = 0; metric < 60; metric++) {
    const counter = new Counter({
      name: `c${metric}_total`,
      help: 'h',
      labelNames: ['target'],
      registers: [registry],
    });
    for (let series = 0; series < 500; series++) counter.inc({ target: `target-${series}` });
  }
  return registry;
}

test('the text is prom-client’s own, and the event loop turns while it is made', async () => {
  const registry = large();
  let turns = 0;
  let watching = true;
  const turn = () => {
    turns++;
    if (watching) setImmediate(turn);
  };
  setImmediate(turn);
  const text = await new Exposition(registry).text();
  watching = false;
  assert.ok(turns > 5, `${turns} turns`);
  assert.equal(text, await registry.metrics());
});

test('scrapes at the same time share one text, later ones see new values', async () => {
  const registry = new Registry();
  const counter = new Counter({ name: 'c_total', help: 'h', registers: [registry] });
  const exposition = new Exposition(registry);
  const [first, second] = [exposition.text(), exposition.text()];
  assert.equal(first, second);
  await first;
  counter.inc(7);
  assert.match(await exposition.text(), /^c_total 7$/m);
});
