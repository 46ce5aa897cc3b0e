/** What the playground's elements have in common, beside how all our pages make theirs. */
import { byId, h } from '../../pages/browser/elements.ts';

export { byId, h };

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
