/** Addresses that the router sends to of its own accord; as for targets, every network is the operator's to name. */

/** @returns what is wrong with the address of a webhook; null: nothing. It never repeats the address. */
export function parseWebhook(text: string): string | null {
  if (!URL.canParse(text)) return 'not a URL; want https://HOST/PATH';
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'want http:// or https://';
  if (url.username !== '' || url.password !== '')
    return 'holds a user or password; a webhook is known by its signature, or by its path';
  if (url.hash !== '') return 'must not have a fragment';
  return null;
}
