/** A second policy sees a share of the traffic; its disagreement is counted, and nothing else happens. */
import type { Policy } from '../../config/types.ts';
import type { Logger, Metrics } from '../../observe/index.ts';
import type { Decision } from '../../request.ts';
import type { Classification } from '../choose/choose.ts';

/** Of disagreements one in so long is told, ms. */
const SAMPLE_MS = 1_000;

export class Shadow {
  readonly #metrics: Metrics;
  readonly #log: Logger;
  #told = Number.NEGATIVE_INFINITY;

  constructor(metrics: Metrics, log: Logger) {
    this.#metrics = metrics;
    this.#log = log;
  }

  /** @param classify what the other policy's classifier says of the same ask. */
  async compare(
    requestId: string,
    policy: Policy,
    shadow: Policy,
    decision: Decision,
    classify: () => Promise<Classification>,
  ): Promise<void> {
    const count = (result: string) =>
      this.#metrics.shadow.inc({ policy: policy.name, shadow: shadow.name, result });
    let other: Classification;
    try {
      other = await classify();
    } catch {
      count('error');
      return;
    }
    const agrees = other.label === decision.label;
    count(agrees ? 'agree' : 'differ');
    if (agrees || performance.now() < this.#told + SAMPLE_MS) return;
    this.#told = performance.now();
    this.#log.info('shadow policy differs (a sample)', {
      request_id: requestId,
      policy: policy.name,
      label: decision.label,
      confidence: decision.confidence,
      shadow: shadow.name,
      shadow_label: other.label,
      shadow_confidence: other.confidence,
    });
  }
}
