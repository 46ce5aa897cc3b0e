/** One question with its answer, and the decision beside it. */
import type { ChatEnd, Fault, Message, Routing } from './api.ts';
import { duration, percent, reasonWords, type ToldDecision } from './decision.ts';
import { bar, h } from './dom.ts';
import { faultBox } from './fault.ts';
import { targetOf } from './settings.ts';

export class Turn {
  readonly element: HTMLLIElement;
  /** What the model has said so far. */
  text = '';
  readonly #began = performance.now();
  readonly #who = h('h3', { class: 'who' }, 'Router');
  readonly #said = h('p', { class: 'said' });
  readonly #thoughts = h('p', { class: 'said' });
  readonly #answer = h('div', { class: 'answer waiting' }, this.#who, this.#said);
  readonly #decision = h('div', { class: 'decision' });
  readonly #facts = h('dl', { class: 'facts' });

  /** @param why called when the reader asks for the whole decision */
  constructor(prompt: string, why: () => void) {
    const button = h('button', { type: 'button', class: 'quiet' }, 'Why?');
    button.addEventListener('click', why);
    this.#decision.append(this.#facts, button);
    this.element = h(
      'li',
      { class: 'turn' },
      h('div', { class: 'question' }, h('h3', { class: 'who' }, 'You'), h('p', { class: 'said' }, prompt)),
      h('div', { class: 'reply' }, this.#answer, this.#decision),
    );
  }

  #fact(term: string, ...what: (Node | string | false)[]): void {
    this.#facts.append(h('dt', {}, term), h('dd', {}, ...what));
  }

  decided(told: ToldDecision | null): void {
    if (!told) return;
    const { label, entry, confidence, model, policy, reason } = told;
    this.#who.textContent = model;
    this.#decision.prepend(
      h(
        'p',
        { class: 'verdict' },
        h('strong', {}, label),
        confidence !== null && h('span', { class: 'muted' }, percent(confidence)),
      ),
    );
    if (confidence !== null) this.#facts.before(bar(confidence));
    if (entry !== label) this.#fact('Entry', entry);
    this.#fact('Model', model);
    const target = targetOf(policy, entry, model);
    if (target !== null) this.#fact('Target', target);
    this.#fact('Policy', policy);
    this.#fact('Reason', h('span', { title: reasonWords(reason) }, reason));
  }

  add(piece: string): void {
    if (this.text === '') this.#fact('First token', duration(performance.now() - this.#began));
    this.text += piece;
    this.#said.append(piece);
  }

  think(piece: string): void {
    if (this.#thoughts.textContent === '')
      this.#said.before(h('details', { class: 'thoughts' }, h('summary', {}, 'Thoughts'), this.#thoughts));
    this.#thoughts.append(piece);
  }

  #note(text: string): void {
    this.#answer.append(h('p', { class: 'hint' }, text));
  }

  #ended(): void {
    this.#answer.classList.remove('waiting');
    this.#fact('Took', duration(performance.now() - this.#began));
  }

  end({ usage, finish, whole }: ChatEnd): void {
    this.#ended();
    if (usage)
      this.#fact('Tokens', `${usage.prompt_tokens ?? '?'} in, ${usage.completion_tokens ?? '?'} out`);
    if (finish === 'length') this.#note('Cut at the longest answer allowed.');
    else if (!whole) this.#note('The stream ended before the answer said that it is complete.');
    else if (this.text === '') this.#note('The answer is empty.');
  }

  stopped(): void {
    this.#ended();
    this.#note('Stopped.');
  }

  failed(fault: Fault): void {
    if (this.#decision.querySelector('.verdict') === null) this.decided(fault.decision);
    this.#ended();
    this.#answer.append(faultBox(fault));
  }
}

/** What is asked again when a reader wants to know why. */
export interface Asked {
  readonly messages: readonly Message[];
  readonly routing: Routing;
}
