/** The text that Prometheus scrapes. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Registry } from 'prom-client';

/** Requests wait no longer than this for a piece of the text to be made, milliseconds. */
const SLICE_MS = 2;

/**
 * Makes a registry's text metric by metric and lets requests go on in between: prom-client's own way makes it in one go,
 * which holds up every stream for as long as it takes. Scrapes that come at the same time share one text.
 */
export class Exposition {
  readonly #registry: Registry;
  #running: Promise<string> | null = null;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    this.#running ??= this.#make().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #make(): Promise<string> {
    const parts: string[] = [];
    let begun = performance.now();
    for (const { name } of this.#registry.getMetricsAsArray()) {
      parts.push(await this.#registry.getSingleMetricAsString(name));
      if (performance.now() - begun < SLICE_MS) continue;
      await nextTurn();
      begun = performance.now();
    }
    return `${parts.join('\n\n')}\n`;
  }
}
