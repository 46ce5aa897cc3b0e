/** promtool takes the rules, and tells a proof that does not hold. All proofs run in check-dashboards.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALERTS } from '../../deploy/prometheus/src/alerts.ts';
import { checkRules, proveAlerts } from '../dashboards/alerts.ts';

test('promtool takes the rules', async () => {
  assert.match(await checkRules(), new RegExp(`${ALERTS.length} rules found`));
});

test('a proof that holds is told, and one that does not', async () => {
  const alert = ALERTS.find(({ name }) => name === 'LlmRouterUpstreamKeyRefused')!;
  assert.deepEqual((await proveAlerts([alert])).proven, [alert.name]);
  const wrong = { ...alert, proof: { ...alert.proof, quiet: alert.proof.fires } };
  assert.deepEqual((await proveAlerts([wrong])).proven, []);
});
