/** promtool proves that each alert is quiet, fires, and clears. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALERTS } from '../../deploy/prometheus/src/alerts.ts';
import { checkRules, proveAlerts } from '../dashboards/alerts.ts';

test('promtool takes the rules', async () => {
  assert.match(await checkRules(), new RegExp(`${ALERTS.length} rules found`));
});

test('every alert is proven, and a proof that does not hold is told', async () => {
  const { proven, output } = await proveAlerts();
  assert.deepEqual([...proven].sort(), ALERTS.map(({ name }) => name).sort(), output);
  const [alert] = ALERTS;
  const wrong = { ...alert!, proof: { ...alert!.proof, quiet: alert!.proof.fires } };
  assert.deepEqual((await proveAlerts([wrong])).proven, []);
});
