/** What an image file is, by its first bytes, whatever its name says. Free of the DOM, so that Node tests it. */

const KINDS: readonly { readonly type: string; readonly is: (bytes: Uint8Array) => boolean }[] = [
  { type: 'image/png', is: (bytes) => starts(bytes, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) },
  { type: 'image/jpeg', is: (bytes) => starts(bytes, 0, [0xff, 0xd8, 0xff]) },
  { type: 'image/gif', is: (bytes) => starts(bytes, 0, [0x47, 0x49, 0x46, 0x38]) },
  {
    type: 'image/webp',
    is: (bytes) => starts(bytes, 0, [0x52, 0x49, 0x46, 0x46]) && starts(bytes, 8, [0x57, 0x45, 0x42, 0x50]),
  },
];

const starts = (bytes: Uint8Array, at: number, wanted: readonly number[]) =>
  wanted.every((byte, index) => bytes[at + index] === byte);

/** @returns its media type; null: none that models take. */
export const imageKind = (bytes: Uint8Array): string | null =>
  KINDS.find(({ is }) => is(bytes))?.type ?? null;

/** The size that a picture is sent at: no side longer than models look at, else as it is. */
export function fitted(width: number, height: number, longest: number): { width: number; height: number } {
  const scale = Math.min(1, longest / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
