/** Script and, where it can be told cheaply, language of a text. A hint for rules, no classifier. */

const SCRIPTS: readonly (readonly [name: string, from: number, to: number, language: string | null])[] = [
  ['greek', 0x370, 0x3ff, 'el'],
  ['cyrillic', 0x400, 0x52f, null],
  ['armenian', 0x530, 0x58f, 'hy'],
  ['hebrew', 0x590, 0x5ff, 'he'],
  ['arabic', 0x600, 0x77f, null],
  ['devanagari', 0x900, 0x97f, null],
  ['bengali', 0x980, 0x9ff, 'bn'],
  ['gurmukhi', 0xa00, 0xa7f, 'pa'],
  ['gujarati', 0xa80, 0xaff, 'gu'],
  ['tamil', 0xb80, 0xbff, 'ta'],
  ['telugu', 0xc00, 0xc7f, 'te'],
  ['kannada', 0xc80, 0xcff, 'kn'],
  ['malayalam', 0xd00, 0xd7f, 'ml'],
  ['thai', 0xe00, 0xe7f, 'th'],
  ['georgian', 0x10a0, 0x10ff, 'ka'],
  ['hangul', 0x1100, 0x11ff, 'ko'],
  ['kana', 0x3040, 0x30ff, 'ja'],
  ['han', 0x3400, 0x9fff, null],
  ['hangul', 0xac00, 0xd7af, 'ko'],
];
const SAMPLE = 1_200;

/** Small words that one language has and its neighbours have not. */
const SMALL: readonly (readonly [language: string, words: RegExp])[] = [
  ['en', /\b(?:the|and|is|what|with|this|that|how|my|you|please|for)\b/gi],
  ['de', /\b(?:der|die|das|und|ist|nicht|ein|eine|wie|ich|bitte|für|mit|mir)\b/gi],
  ['fr', /\b(?:le|les|est|une|des|pour|dans|que|je|vous|avec|cette|mon)\b/gi],
  ['es', /\b(?:el|los|las|una|para|por|con|qué|cómo|es|este|mi|del)\b/gi],
  ['it', /\b(?:il|gli|che|una|per|con|come|sono|questo|della|mio|di)\b/gi],
  ['pt', /\b(?:o|os|uma|para|com|não|como|você|este|meu|do|da)\b/gi],
  ['nl', /\b(?:het|een|van|niet|met|voor|hoe|wat|deze|mijn|ik)\b/gi],
  ['tr', /\b(?:bir|ve|bu|için|nasıl|ile|bana|ne|mi|olarak)\b/gi],
  ['pl', /\b(?:jest|nie|się|jak|dla|czy|proszę|co|mój)\b/gi],
];

const BEYOND_LATIN = /[\u0250-\uffff]/;
const LATIN_LETTER = /[A-Za-z\u00c0-\u024f]/;

export interface LanguageReading {
  readonly script: string | null;
  /** ISO 639-1 where the script or the words tell; else null. */
  readonly language: string | null;
}

// Apart from the loop over a text's letters: what a function made there remembers would be kept for each of them.
const scriptOf = (code: number): string | null =>
  SCRIPTS.find(([, from, to]) => code >= from && code <= to)?.[0] ?? null;

export function readLanguage(text: string): LanguageReading {
  const sample = text.length > SAMPLE ? text.slice(0, SAMPLE) : text;
  // Most texts: one walk of a pattern tells, in place of a look at each letter.
  if (!BEYOND_LATIN.test(sample))
    return LATIN_LETTER.test(sample)
      ? { script: 'latin', language: latinLanguage(sample) }
      : { script: null, language: null };
  const counts = new Map<string, number>();
  let latin = 0;
  for (let i = 0; i < sample.length; i++) {
    const code = sample.charCodeAt(i);
    if (code < 0x250) {
      if ((code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code >= 0xc0) latin++;
      continue;
    }
    const name = scriptOf(code);
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  let script: string | null = null;
  let most = 0;
  for (const [name, count] of counts) if (count > most) [script, most] = [name, count];
  // Names of programming languages and code are Latin in every language; four letters a sign of the other is fair.
  if (script === null || most * 4 < latin) {
    return latin === 0
      ? { script: null, language: null }
      : { script: 'latin', language: latinLanguage(sample) };
  }
  if (counts.has('kana') && (script === 'han' || script === 'kana'))
    return { script: 'kana', language: 'ja' };
  const language = SCRIPTS.find(([name]) => name === script)![3];
  if (language !== null) return { script, language };
  if (script === 'han') return { script, language: 'zh' };
  if (script === 'cyrillic') return { script, language: /[іїєґ]/i.test(sample) ? 'uk' : 'ru' };
  if (script === 'arabic') return { script, language: /[پچژگ]/.test(sample) ? 'fa' : 'ar' };
  return { script, language: script === 'devanagari' ? 'hi' : null };
}

function latinLanguage(sample: string): string | null {
  let best: string | null = null;
  let most = 1;
  for (const [language, words] of SMALL) {
    // Counted one by one: arrays of what was found would be thrown away.
    let count = 0;
    words.lastIndex = 0;
    while (words.test(sample)) count++;
    if (count > most) [best, most] = [language, count];
  }
  return best;
}
