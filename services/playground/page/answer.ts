/** One answer with the decision beside it: text as it comes, tool calls, times, tokens, and money. */
import type { Fault, Usage } from './api.ts';
import type { ChatEnd } from './chat.ts';
import { dollars, duration, percent, reasonWords, type ToldDecision } from './decision.ts';
import { bar, h } from './dom.ts';
import { faultBox } from './fault.ts';
import { costOf, dearest, type Tokens } from './prices.ts';
import { modelsOf, prices, targetOf } from './settings.ts';

/** What a call cost, and what the policy's dearest model would have cost for the same tokens. */
export interface Bill {
  readonly usd: number;
  readonly dearest: { readonly model: string; readonly usd: number };
}

export const tokensOf = (usage: Usage): Tokens => ({
  promptTokens: usage.prompt_tokens ?? 0,
  cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
  completionTokens: usage.completion_tokens ?? 0,
});

/** @returns null where the router tells no price for the model that answered. */
export function billOf({ model, policy }: ToldDecision, usage: Usage): Bill | null {
  const price = prices().get(model);
  if (!price) return null;
  const tokens = tokensOf(usage);
  const usd = costOf(price, tokens);
  const most = dearest(modelsOf(policy), prices(), tokens);
  return { usd, dearest: most && most.usd > usd ? most : { model, usd } };
}

export class Answer {
  readonly element: HTMLDivElement;
  /** What the model has said so far. */
  text = '';
  told: ToldDecision | null = null;
  bill: Bill | null = null;
  usage: Usage | null = null;
  readonly #began = performance.now();
  readonly #who = h('h3', { class: 'who' }, 'Router');
  readonly #said = h('p', { class: 'said' });
  readonly #thoughts = h('p', { class: 'said' });
  readonly #answer = h('div', { class: 'answer waiting' }, this.#who, this.#said);
  readonly #decision = h('div', { class: 'decision' });
  readonly #facts = h('dl', { class: 'facts' });

  /** @param why called when the reader asks for the whole decision; null: it can't be asked for here */
  constructor(why: (() => void) | null) {
    this.#decision.append(this.#facts);
    if (why) {
      const button = h('button', { type: 'button', class: 'quiet' }, 'Why?');
      button.addEventListener('click', why);
      this.#decision.append(button);
    }
    this.element = h('div', { class: 'reply' }, this.#answer, this.#decision);
  }

  #fact(term: string, ...what: (Node | string | false)[]): void {
    this.#facts.append(h('dt', {}, term), h('dd', {}, ...what));
  }

  decided(told: ToldDecision | null): void {
    if (!told) return;
    this.told = told;
    const { label, entry, confidence, model, policy, reason, quality } = told;
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
    if (quality !== null) this.#fact('P(good)', percent(quality));
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

  /** Something below what was said. */
  append(...below: Node[]): void {
    this.#answer.append(...below);
  }

  #note(text: string): void {
    this.append(h('p', { class: 'hint' }, text));
  }

  #ended(): void {
    this.#answer.classList.remove('waiting');
    this.#fact('Took', duration(performance.now() - this.#began));
  }

  #pay(usage: Usage): void {
    this.usage = usage;
    this.#fact('Tokens', `${usage.prompt_tokens ?? '?'} in, ${usage.completion_tokens ?? '?'} out`);
    this.bill = this.told && billOf(this.told, usage);
    if (!this.bill) return;
    const { usd, dearest: most } = this.bill;
    this.#fact('Cost', dollars(usd));
    if (most.usd > usd)
      this.#fact(
        'Saved',
        h(
          'span',
          {
            title: `The same tokens at ${most.model}, the policy’s dearest model, cost ${dollars(most.usd)}`,
          },
          `${dollars(most.usd - usd)} against ${most.model}`,
        ),
      );
  }

  end({ usage, finish, whole, calls }: ChatEnd): void {
    this.#ended();
    if (usage) this.#pay(usage);
    if (finish === 'length') this.#note('Cut at the longest answer allowed.');
    else if (!whole) this.#note('The stream ended before the answer said that it is complete.');
    else if (this.text === '' && calls.length === 0) this.#note('The answer is empty.');
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
