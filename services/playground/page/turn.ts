/** One question with its answer. */
import { Answer } from './answer.ts';
import { h } from './dom.ts';

export class Turn {
  readonly element: HTMLLIElement;
  readonly answer: Answer;

  /**
   * @param who says it: the reader, or the reader in place of a tool
   * @param pictures shown below the words
   * @param why called when the reader asks for the whole decision
   */
  constructor(who: string, prompt: string, pictures: readonly Node[], why: () => void) {
    this.answer = new Answer(why);
    this.element = h(
      'li',
      { class: 'turn' },
      h(
        'div',
        { class: 'question' },
        h('h3', { class: 'who' }, who),
        h('p', { class: 'said' }, prompt),
        pictures.length > 0 && h('div', { class: 'pictures' }, ...pictures),
      ),
      this.answer.element,
    );
  }
}
