/** A real Prometheus and its checking tool. */
import { systemProgram } from './debian.ts';

export interface Prometheus {
  readonly prometheus: string;
  readonly promtool: string;
}

export async function setupPrometheus(): Promise<Prometheus> {
  return {
    prometheus: await systemProgram('Prometheus', ['prometheus'], ['prometheus']),
    promtool: await systemProgram('promtool', ['promtool'], ['prometheus']),
  };
}
