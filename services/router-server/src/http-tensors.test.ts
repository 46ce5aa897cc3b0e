import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBytes } from '@llm-router/protos';
import fc from 'fast-check';
import { InferError } from './errors.ts';
import { readInference } from './http-tensors.ts';

const tensor = fc.record({
  texts: fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }),
  isBinary: fc.boolean(),
});

/** A request as Triton's client writes it: each tensor as JSON or as bytes behind the head. */
function written(tensors: readonly { texts: readonly string[]; isBinary: boolean }[]): [Buffer, number] {
  const behind: Buffer[] = [];
  const inputs = tensors.map(({ texts, isBinary }, index) => {
    const common = { name: `T${index}`, datatype: 'BYTES', shape: [texts.length, 1] };
    if (!isBinary) return { ...common, data: texts };
    const raw = encodeBytes(texts);
    behind.push(raw);
    return { ...common, parameters: { binary_data_size: raw.length } };
  });
  const head = Buffer.from(JSON.stringify({ inputs }));
  return [Buffer.concat([head, ...behind]), head.length];
}

test('whatever is sent as JSON or as bytes, in any mixture, is read as it was', () => {
  fc.assert(
    fc.property(fc.array(tensor, { maxLength: 4 }), (tensors) => {
      const [body, length] = written(tensors);
      const { inputs } = readInference(body, String(length));
      assert.deepEqual(
        inputs.map(({ data }) => (data as Buffer[]).map(String)),
        tensors.map(({ texts }) => texts.map((text) => Buffer.from(text).toString())),
      );
    }),
  );
});

test('a request that was damaged anywhere is read or refused, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.array(tensor, { minLength: 1, maxLength: 3 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.integer({ min: -3, max: 3 }),
      (tensors, damages, shift) => {
        const [body, length] = written(tensors);
        for (const [at, byte] of damages) body[at % body.length] = byte;
        try {
          readInference(body, String(length + shift));
        } catch (error) {
          assert.ok(error instanceof InferError, String(error));
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
