/** The rules and their proofs, by promtool. */
import { ALERTS } from '../../deploy/prometheus/src/alerts.ts';
import { checkRules, proveAlerts } from '../dashboards/alerts.ts';
import type { DeployCheck } from './check.ts';

export const promtool: DeployCheck = {
  name: 'promtool',
  run: async () => {
    await checkRules();
    const { proven, output } = await proveAlerts();
    const unproven = ALERTS.filter(({ name }) => !proven.includes(name)).map(({ name }) => name);
    return {
      seen: [`${proven.length} of ${ALERTS.length} alerts stay quiet, fire and clear as they should`],
      problems: unproven.length > 0 ? [`not proven: ${unproven.join(', ')}`, output.trim()] : [],
    };
  },
};
