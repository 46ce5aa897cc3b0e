/** One side of a comparison: a choice of who answers, and the answer. */
import { Answer } from './answer.ts';
import { Fault } from './api.ts';
import { chat } from './chat.ts';
import type { Config, Entry, Routing } from './config.ts';
import { byId, h } from './dom.ts';

/** The choice as an option's value; JSON, because names may hold anything. */
const optionOf = (routing: Routing) => JSON.stringify(routing);

const upstreamsOf = (entry: Entry) => [entry, ...(entry.targets ?? []), ...(entry.fallbacks ?? [])];

/** Every policy, and every model of it by hand. */
function optionsFor({ policies }: Config): Node[] {
  const byPolicy = h('optgroup', { label: 'A policy decides' });
  for (const { name } of policies)
    byPolicy.append(
      h('option', { value: optionOf({ policy: name, routing_strategy: 'triton', model: '' }) }, name),
    );
  const byHand = h('optgroup', { label: 'One model' });
  const seen = new Set<string>();
  for (const { name, llms } of policies)
    for (const { target, model } of llms.flatMap(upstreamsOf)) {
      if (seen.has(target)) continue;
      seen.add(target);
      // By its target's name, because two targets may serve one model.
      const routing = { policy: name, routing_strategy: 'manual', model: target } as const;
      byHand.append(h('option', { value: optionOf(routing) }, `${model} (${target})`));
    }
  return [byPolicy, byHand];
}

export class Lane {
  readonly #select: HTMLSelectElement;
  readonly #place: HTMLDivElement;

  /** @param side its name in index.html */
  constructor(side: 'left' | 'right') {
    this.#select = byId(`compare-${side}`, HTMLSelectElement);
    this.#place = byId(`compare-${side}-answer`, HTMLDivElement);
  }

  /** @param at which choice stands first: of all options, from 0 */
  fill(config: Config, at: number): void {
    const before = this.#select.value;
    this.#select.replaceChildren(...optionsFor(config));
    const values = [...this.#select.options].map(({ value }) => value);
    if (values.includes(before)) this.#select.value = before;
    else this.#select.selectedIndex = Math.min(at, values.length - 1);
  }

  get routing(): Routing | null {
    return this.#select.value === '' ? null : (JSON.parse(this.#select.value) as Routing);
  }

  /** Who was chosen, in words. */
  get name(): string {
    return this.#select.selectedOptions[0]?.textContent ?? '';
  }

  /** Asks, and resolves with the answer when it has ended in whatever way. */
  async ask(prompt: string, routing: Routing, signal: AbortSignal): Promise<Answer> {
    const answer = new Answer(null);
    this.#place.replaceChildren(answer.element);
    try {
      const asked = { messages: [{ role: 'user', content: prompt }] } as const;
      const end = await chat(asked, routing, signal, {
        decided: (told) => answer.decided(told),
        text: (piece) => answer.add(piece),
        thought: (piece) => answer.think(piece),
      });
      answer.end(end);
    } catch (error) {
      if (signal.aborted) answer.stopped();
      else answer.failed(error instanceof Fault ? error : new Fault(`The page failed: ${error}`, 0, ''));
    }
    return answer;
  }
}
