/** What every client script shares: it runs named checks and prints one JSON line for each. */

export const BASE = process.argv[2] ?? 'http://127.0.0.1:8084';
export const KEY = process.env.CONFORMANCE_KEY ?? 'unused';
export const MODEL = process.env.CONFORMANCE_MODEL ?? 'auto';
export const TEXT = 'Write a Python function that reverses a linked list.';
export const PICTURE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** Longest that a check may take, ms. */
const PATIENCE_MS = 60_000;

/** Runs one check; what it throws is its failure. */
export async function check(name, run) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no end within a minute')), PATIENCE_MS);
  });
  try {
    await Promise.race([run(), late]);
    console.log(JSON.stringify({ check: name, ok: true }));
  } catch (error) {
    const where =
      String(error?.stack ?? '')
        .split('\n')
        .find((line) => line.includes('client.mjs'))
        ?.trim() ?? '';
    console.log(
      JSON.stringify({
        check: name,
        ok: false,
        error: `${error?.name}: ${String(error?.message).slice(0, 400)} ${where}`,
      }),
    );
  } finally {
    clearTimeout(timer);
  }
}

export function ok(condition, what) {
  if (!condition) throw new Error(what);
}

/** The stand-ins say who they are, so an answer that came from one is told from an empty or made-up one. */
export function said(text) {
  ok(String(text ?? '').includes('stand-in'), `not an answer of the stand-ins: ${JSON.stringify(text)}`);
}
