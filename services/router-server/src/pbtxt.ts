/**
 * Protocol-buffer text format, as far as Triton's `config.pbtxt` uses it: scalars, nested messages with or without a
 * colon, lists in brackets, repeated fields, `#` comments, adjacent strings.
 */

export type PbValue = string | number | boolean | PbMessage | PbValue[];
/** Every field is a list, because the text does not tell which are repeated. */
export interface PbMessage {
  [field: string]: PbValue[];
}

const TOKEN =
  /\s+|#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[A-Za-z_][\w.]*|-?(?:0x[\da-fA-F]+|\d*\.?\d+(?:[eE][+-]?\d+)?)f?|[{}[\]:;,<>-]/y;

export class PbtxtError extends Error {
  constructor(message: string, line: number) {
    super(`line ${line}: ${message}`);
    this.name = 'PbtxtError';
  }
}

interface Token {
  readonly text: string;
  readonly line: number;
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (!match) throw new PbtxtError(`unexpected ${JSON.stringify(source[at])}`, line);
    const [text] = match;
    if (!/^[\s#]/.test(text)) tokens.push({ text, line });
    line += text.split('\n').length - 1;
  }
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Octal and hex escapes are bytes of UTF-8: protobuf's own writers put every non-ASCII character that way. */
function unquote(text: string): string {
  const parts = text.slice(1, -1).matchAll(/\\([0-7]{1,3}|[xX][\da-fA-F]{1,2}|.)|[^\\]+/g);
  return Buffer.concat(
    Array.from(parts, ([whole, code]) => {
      if (code === undefined) return Buffer.from(whole);
      if (/^[0-7]/.test(code)) return Buffer.from([Number.parseInt(code, 8) & 0xff]);
      if (/^[xX]./.test(code)) return Buffer.from([Number.parseInt(code.slice(1), 16)]);
      return Buffer.from(ESCAPES[code] ?? code);
    }),
  ).toString('utf8');
}

class Parser {
  readonly #tokens: Token[];
  #at = 0;

  constructor(source: string) {
    this.#tokens = tokenize(source);
  }

  get #line(): number {
    return (this.#tokens[this.#at] ?? this.#tokens.at(-1))?.line ?? 1;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at]?.text;
  }

  #accept(text: string): boolean {
    if (this.#peek() !== text) return false;
    this.#at++;
    return true;
  }

  message(end: string | null): PbMessage {
    // No prototype: a field may be called `constructor`.
    const message: PbMessage = Object.create(null);
    for (;;) {
      const name = this.#peek();
      if (name === undefined) {
        if (end === null) return message;
        throw new PbtxtError(`missing '${end}'`, this.#line);
      }
      if (end !== null && this.#accept(end)) return message;
      if (!/^[A-Za-z_]/.test(name)) throw new PbtxtError(`expected a field name, got '${name}'`, this.#line);
      this.#at++;
      this.#accept(':');
      const value = this.#value();
      const known = message[name] ?? [];
      message[name] = known;
      known.push(...(Array.isArray(value) ? value : [value]));
      if (!this.#accept(',')) this.#accept(';');
    }
  }

  #value(): PbValue {
    const line = this.#line;
    const token = this.#tokens[this.#at++]?.text;
    if (token === undefined) throw new PbtxtError('a value is missing', line);
    if (token === '{') return this.message('}');
    if (token === '<') return this.message('>');
    if (token === '[') {
      const list: PbValue[] = [];
      while (!this.#accept(']')) {
        if (this.#peek() === undefined) throw new PbtxtError("missing ']'", line);
        list.push(this.#value());
        this.#accept(',');
      }
      return list;
    }
    if (token[0] === '"' || token[0] === "'") {
      let text = unquote(token);
      while (/^["']/.test(this.#peek() ?? '')) text += unquote(this.#tokens[this.#at++]!.text);
      return text;
    }
    if (token === 'true' || token === 'false') return token === 'true';
    if (/^[-\d.]/.test(token)) return Number(token.replace(/f$/, ''));
    if (/^[A-Za-z_]/.test(token)) return token;
    throw new PbtxtError(`unexpected '${token}'`, line);
  }
}

/** Parses a whole file. @throws PbtxtError with the line. */
export function parsePbtxt(source: string): PbMessage {
  return new Parser(source).message(null);
}
