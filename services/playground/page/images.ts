/** Pictures of the next message: looked at, made small enough, shown, and taken as parts of its content. */
import { announce, h } from './dom.ts';
import { fitted, imageKind } from './image-kind.ts';
import type { Part } from './messages.ts';

const MAX_IMAGES = 4;
const MAX_FILE_BYTES = 20 * 1024 * 1024;
/** Sent as it is up to here; larger ones are made anew. Four of them and a conversation fit into one call. */
const MAX_SENT_BYTES = 512 * 1024;
/** Models look at no more, or scale it down themselves. */
const LONGEST_SIDE = 1568;
const PREVIEW_SIDE = 96;

class ImageProblem extends Error {}

interface Attached {
  readonly url: string;
  readonly picture: HTMLCanvasElement;
}

let attached: Attached[] = [];

function drawn(bitmap: ImageBitmap, longest: number): HTMLCanvasElement {
  const { width, height } = fitted(bitmap.width, bitmap.height, longest);
  const canvas = h('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0, width, height);
  return canvas;
}

const asUrl = (blob: Blob): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new ImageProblem('it can’t be read'));
    reader.readAsDataURL(blob);
  });

const encoded = (canvas: HTMLCanvasElement): Promise<Blob> =>
  new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new ImageProblem('it can’t be made smaller'))),
      'image/jpeg',
      0.85,
    ),
  );

/** @throws ImageProblem that says why it is not taken */
async function prepare(file: File): Promise<Attached> {
  if (attached.length >= MAX_IMAGES) throw new ImageProblem(`a message takes ${MAX_IMAGES} pictures`);
  if (file.size > MAX_FILE_BYTES)
    throw new ImageProblem(`it has more than ${MAX_FILE_BYTES / 1024 / 1024} MiB`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const type = imageKind(bytes);
  if (type === null) throw new ImageProblem('it is no PNG, JPEG, WebP or GIF');
  // Also tells whether it is whole: what can't be drawn here no model can look at.
  const bitmap = await createImageBitmap(new Blob([bytes], { type })).catch(() => {
    throw new ImageProblem('it is broken');
  });
  const fits = Math.max(bitmap.width, bitmap.height) <= LONGEST_SIDE && bytes.length <= MAX_SENT_BYTES;
  const sent = fits ? new Blob([bytes], { type }) : await encoded(drawn(bitmap, LONGEST_SIDE));
  if (sent.size > MAX_SENT_BYTES * 2)
    throw new ImageProblem('it stays too large for a message when made smaller');
  const picture = drawn(bitmap, PREVIEW_SIDE);
  picture.setAttribute('role', 'img');
  picture.setAttribute('aria-label', file.name);
  bitmap.close();
  return { url: await asUrl(sent), picture };
}

/**
 * @param list where they are shown
 * @param problem where it is told why one is not taken
 * @param changed called when there are more or fewer of them
 */
export function startImages(
  input: HTMLInputElement,
  list: HTMLElement,
  problem: HTMLElement,
  changed: () => void,
): void {
  const show = () => {
    list.replaceChildren(
      ...attached.map((each) => {
        const name = each.picture.getAttribute('aria-label');
        const remove = h('button', { type: 'button', class: 'quiet', 'aria-label': `Remove ${name}` }, '✕');
        remove.addEventListener('click', () => {
          attached = attached.filter((other) => other !== each);
          show();
          input.focus();
        });
        return h('li', {}, each.picture, remove);
      }),
    );
    changed();
  };
  input.addEventListener('change', async () => {
    const files = [...(input.files ?? [])];
    input.value = '';
    const told: string[] = [];
    for (const file of files) {
      try {
        attached.push(await prepare(file));
      } catch (error) {
        if (!(error instanceof ImageProblem)) throw error;
        told.push(`${file.name}: ${error.message}`);
      }
    }
    problem.textContent = told.join('; ');
    announce(told.length > 0 ? problem.textContent : `${attached.length} pictures attached`);
    show();
  });
}

export const hasImages = (): boolean => attached.length > 0;

/** The content of a message with these words and the pictures. */
export const contentWith = (text: string): string | Part[] =>
  attached.length === 0
    ? text
    : [
        ...(text === '' ? [] : [{ type: 'text', text } as const]),
        ...attached.map(({ url }) => ({ type: 'image_url', image_url: { url } }) as const),
      ];

/** @returns the pictures, to be shown in the conversation; the next message has none. */
export function takeImages(list: HTMLElement): Node[] {
  const pictures = attached.map(({ picture }) => picture);
  attached = [];
  list.replaceChildren();
  return pictures;
}
