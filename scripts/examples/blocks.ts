/** What a page tells a client to be set to, checked without the client. */
import { load } from 'js-yaml';

export interface Setting {
  readonly language: 'json' | 'yaml' | 'toml';
  readonly text: string;
}

const BLOCK = /^```(json|yaml|toml)\n([\s\S]*?)^```$/gm;

export const settingsOf = (page: string): Setting[] =>
  [...page.matchAll(BLOCK)].map(([, language, text]) => ({
    language: language as Setting['language'],
    text: text!,
  }));

/** @throws what the parser says; TOML has none here and is read by its form alone. */
export function checkForm({ language, text }: Setting): void {
  if (language === 'json') JSON.parse(text);
  else if (language === 'yaml') load(text);
  else {
    const wrong = text
      .trim()
      .split('\n')
      .find(
        (line) => !/^(?:#.*|\[[\w.-]+\]|[\w.-]+ = (?:"[^"]*"|\d+|true|false|\{.*\}|\[.*\]))?$/.test(line),
      );
    if (wrong !== undefined) throw new Error(`not TOML: ${wrong}`);
  }
}

/** Base URLs that a client is set to. */
export const basesIn = ({ text }: Setting): string[] => [
  ...new Set([...text.matchAll(/http:\/\/[^\s"',}]+/g)].map(([url]) => url)),
];

/** Model that a client is set to: the last part where a client wants a provider before it. */
export const modelIn = ({ text }: Setting): string | null =>
  /["']?model(?: id|s)?["']?\s*[:=]\s*["']?(?:[\w-]+\/)?([\w-]+)/i.exec(
    text.replaceAll(/(?:ANTHROPIC|DEFAULT)_MODELS?/g, 'model'),
  )?.[1] ?? null;

/**
 * A base URL is right when the list of models is there, as clients look for it, and the model is in it.
 *
 * @throws Error that says what is not
 */
export async function checkBase(base: string, model: string | null): Promise<void> {
  const url = /\/v1$/.test(base) ? `${base}/models` : `${base}/v1/models`;
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`GET ${url} answers ${response.status}`);
  const { data } = (await response.json()) as { data: { id: string }[] };
  if (model !== null && !data.some(({ id }) => id === model))
    throw new Error(`${url} has no model '${model}'`);
}
