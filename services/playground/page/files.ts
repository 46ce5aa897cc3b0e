/** Files that readers bring and take away. */
import { h } from './dom.ts';

/** A file that is dropped onto an element, or chosen with the input in it. */
export function dropZone(zone: HTMLElement, input: HTMLInputElement, take: (file: File) => void): void {
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    // The same file may be chosen again after it was mended.
    input.value = '';
    if (file) take(file);
  });
  zone.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  zone.addEventListener('dragleave', () => zone.classList.remove('over'));
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    const [file] = event.dataTransfer?.files ?? [];
    if (file) take(file);
  });
}

/** Saves a text as a file of the reader's. */
export function saveAs(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export const problemBox = (message: string): HTMLElement =>
  h('div', { class: 'fault', role: 'alert' }, h('p', {}, message));
