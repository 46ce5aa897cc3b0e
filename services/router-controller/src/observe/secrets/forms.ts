/**
 * The ways a secret is written when somebody repeats it: as it is, escaped for JSON, HTML or a URL where that needs it and at
 * every character, in base64 and in hex.
 */

/**
 * Shorter ones are not looked for: they would be found, and hidden, in honest answers. Base64 of eight bytes has ten
 * characters that do not hang on what stands around them.
 */
export const MIN_SECRET_BYTES = 8;

/** What people write where a key is wanted and none is needed; these are words of honest answers. */
const NO_SECRETS = new Set(
  (
    'anonymous changeme dummy-key dummykey fake-key fakekey no-key-needed no-key-required not-needed not-required ' +
    'notneeded password placeholder sk-no-key-required sk-placeholder stand-in undefined your-api-key'
  ).split(' '),
);

/** Whether a value can be told from honest text at all. */
export const isTooWeak = (value: string): boolean =>
  Buffer.byteLength(value) < MIN_SECRET_BYTES || NO_SECRETS.has(value.toLowerCase());

/**
 * What of `Buffer.from(before + secret + after).toString(encoding)` hangs on the secret alone, for a `before` of 0, 1 and 2
 * bytes more than a multiple of three. One of them is in the base64 of any text that holds the secret: `user:secret` of basic
 * authentication, `Bearer secret`, a whole JSON body.
 */
function inBase64(secret: Buffer, encoding: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), secret]).toString(encoding);
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + secret.length) * 8) / 6));
  });
}

const asJson = (text: string) => JSON.stringify(text).slice(1, -1);

const unicodeEscape = (character: string) =>
  [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');

/** JSON as browsers, Python, PHP and Go write it. */
function inJson(text: string): string[] {
  const plain = asJson(text);
  const ascii = plain.replaceAll(/[^\x20-\x7e]/gu, unicodeEscape);
  const slashes = plain.replaceAll('/', '\\/');
  const html = plain.replaceAll(/[<>&'+]/g, unicodeEscape);
  return [plain, ascii, slashes, html];
}

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const inHtml = (text: string) => text.replaceAll(/[&<>"']/g, (character) => HTML[character]!);

function inUrl(text: string): string[] {
  const loose = encodeURIComponent(text.toWellFormed());
  const strict = loose.replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const form = strict.replaceAll('%20', '+');
  const lower = (escaped: string) => escaped.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  return [loose, strict, form, lower(loose), lower(strict), lower(form), encodeURI(text.toWellFormed())];
}

/** Escapes that leave no character as it is: whoever decodes them has the secret all the same. */
function escapedThroughout(text: string): string[] {
  const units = [...Array(text.length).keys()].map((at) => text.charCodeAt(at));
  const points = [...text].map((character) => character.codePointAt(0)!);
  const bytes = [...Buffer.from(text)];
  const forms = (cased: (code: number) => string) => [
    units.map((unit) => `\\u${cased(unit).padStart(4, '0')}`).join(''),
    bytes.map((byte) => `%${cased(byte).padStart(2, '0')}`).join(''),
    bytes.map((byte) => `\\x${cased(byte).padStart(2, '0')}`).join(''),
    points.map((point) => `&#x${cased(point)};`).join(''),
  ];
  return [
    ...forms((code) => code.toString(16)),
    ...forms((code) => code.toString(16).toUpperCase()),
    points.map((point) => `&#${point};`).join(''),
  ].flatMap((form) => [form, asJson(form)]);
}

const escaped = (text: string) => [...inJson(text), ...inUrl(text), inHtml(text)];

/** A body may stand in a message, and that in a log's line, each of them JSON. */
const DEPTH = 4;
/** Of a secret full of quotes and slashes; one of letters and digits has one. */
const MAX_ESCAPED = 200;

/** The text in escapes of escapes, the shallow ones first. */
function escapedForms(text: string): Set<string> {
  const all = new Set([text]);
  let last = [text];
  for (let depth = 0; depth < DEPTH && last.length > 0 && all.size < MAX_ESCAPED; depth++) {
    // JSON in JSON is common; other mixtures are looked for one deep.
    const next = last.flatMap((form) => (depth === 0 ? escaped(form) : inJson(form)));
    last = [...new Set(next)].filter((form) => !all.has(form)).slice(0, MAX_ESCAPED - all.size);
    for (const form of last) all.add(form);
  }
  return all;
}

/**
 * Every form to look for, each once.
 *
 * @param value at least {@link MIN_SECRET_BYTES} long.
 */
export function formsOf(value: string): string[] {
  const plain = escapedForms(value);
  // A JSON text in base64 holds the secret as JSON writes it.
  const encoded = [...new Set([value, ...inJson(value)])].flatMap((text) => {
    const bytes = Buffer.from(text);
    const base64 = inBase64(bytes, 'base64');
    return [
      ...base64.flatMap((form) => [form, form.replaceAll('/', '\\/'), ...inUrl(form)]),
      ...inBase64(bytes, 'base64url'),
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
    ];
  });
  return [...new Set([...plain, ...escapedThroughout(value), ...encoded])];
}

/** A header's value and the credentials in it: `Bearer X` holds X, `Basic …` a user's password. */
export function partsOf(value: string): string[] {
  const [, scheme = '', credentials] = /^(\S+)\s+(\S.*)$/s.exec(value) ?? [];
  if (credentials === undefined) return [value];
  if (scheme.toLowerCase() !== 'basic') return [value, credentials];
  const decoded = Buffer.from(credentials, 'base64').toString('utf8');
  return [value, credentials, decoded.slice(decoded.indexOf(':') + 1)];
}
