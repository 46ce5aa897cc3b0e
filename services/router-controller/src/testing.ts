/** Arbitraries of fast-check that several steps' tests share. */
import fc from 'fast-check';

/** Names that mean something to JavaScript when an object has them, or a table is asked for them. */
const LOADED = [
  'toString',
  'valueOf',
  'constructor',
  '__proto__',
  'hasOwnProperty',
  'toJSON',
  'then',
  'length',
];
const USUAL = ['type', 'role', 'text', 'content', 'name', 'data', 'source', 'url', 'id'];

/**
 * Any value that a body's JSON may hold, those included that code trips over: `fc.jsonValue` all but never makes an
 * object with a `toString` of its own, or asks a table for `constructor`.
 */
export function anyJson(maxDepth = 3): fc.Arbitrary<unknown> {
  const word = fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom(...LOADED, ...USUAL));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth, withCrossShrink: true },
      fc.oneof(word, fc.double(), fc.boolean(), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(word, tie('value'), { maxKeys: 4 }),
    ),
  }));
  // As a parser makes them: with a prototype, and `__proto__` a key like others.
  return value.map((made) => JSON.parse(JSON.stringify(made)) as unknown);
}
