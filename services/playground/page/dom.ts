/** Makes elements. Text goes in as text nodes only, so nothing that a model or a user says can become markup. */

type Child = Node | string | null | false;

/** @param attributes set as they are; `true` sets an empty one, `false` and null none */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | boolean | null>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/** An element that index.html has. */
export function byId<E extends HTMLElement>(id: string, type: new () => E): E {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`index.html has no ${type.name} with the id ${id}`);
}

/** Enter in a text sends it; with Shift it is a new line, and one that ends a composition (of Chinese or Japanese, say) sends nothing. */
export function sendByEnter(text: HTMLTextAreaElement, send: () => void): void {
  text.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
}

/** A bar from 0 to 1. What it shows stands beside it as text, so it is hidden from screen readers. */
export function bar(share: number, mark: number | null = null): HTMLElement {
  const fill = h('span', { class: 'fill' });
  fill.style.width = `${Math.min(1, Math.max(0, share)) * 100}%`;
  const track = h('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
  if (mark !== null && mark > 0) {
    const line = h('span', { class: 'mark' });
    line.style.left = `${mark * 100}%`;
    track.append(line);
  }
  return track;
}

/** Tells screen readers what has just happened. */
export function announce(text: string): void {
  byId('announce', HTMLParagraphElement).textContent = text;
}
