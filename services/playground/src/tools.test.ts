/** Tools and pictures of a conversation without a browser. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fitted, imageKind } from '../page/image-kind.ts';
import { argumentsOf, EXAMPLE_TOOLS, readTools, ToolProblem } from '../page/tools.ts';

describe('tools', () => {
  test('are taken as chat completions write them, or as functions alone', () => {
    assert.deepEqual(readTools(' \n'), []);
    assert.deepEqual(readTools(EXAMPLE_TOOLS), JSON.parse(EXAMPLE_TOOLS));
    assert.deepEqual(readTools('[{"name":"f","parameters":{}}]'), [
      { type: 'function', function: { name: 'f', parameters: {} } },
    ]);
  });

  test('that are wrong are told by number and name, with what would be right', () => {
    for (const [text, words] of [
      ['{', /no JSON/],
      ['{}', /are a list/],
      ['[1]', /Tool 1 is no object/],
      ['[{"type":"retrieval","function":{}}]', /Tool 1 has the type 'retrieval'/],
      ['[{"name":"f"},{"name":"a b"}]', /Tool 2 needs a function\.name/],
      ['[{"name":"f","parameters":[]}]', /Tool 1 \(f\): parameters is a JSON schema/],
      ['[{"name":"f","description":1}]', /description is a text/],
      ['[{"name":"f"},{"name":"f"}]', /Two tools are called 'f'/],
      [JSON.stringify(Array.from({ length: 65 }, (_, i) => ({ name: `f${i}` }))), /65 tools are too many/],
    ] as const)
      assert.throws(
        () => readTools(text),
        (error: unknown) => error instanceof ToolProblem && words.test(error.message),
        text.slice(0, 60),
      );
  });

  test('are called with arguments that are shown in lines, or as they came', () => {
    const call = (text: string) =>
      argumentsOf({ id: 'c', type: 'function', function: { name: 'f', arguments: text } });
    assert.equal(call('{"a":1}'), '{\n  "a": 1\n}');
    assert.equal(call('{"a":'), '{"a":');
  });
});

describe('pictures', () => {
  test('are known by their first bytes, not by their names', () => {
    const of = (...bytes: (number | string)[]) =>
      imageKind(
        Uint8Array.from(
          bytes.flatMap((each) => (typeof each === 'string' ? [...Buffer.from(each)] : [each])),
        ),
      );
    assert.equal(of(0x89, 'PNG\r\n', 0x1a, '\n', 0), 'image/png');
    assert.equal(of(0xff, 0xd8, 0xff, 0xe0), 'image/jpeg');
    assert.equal(of('GIF89a'), 'image/gif');
    assert.equal(of('RIFF', 1, 2, 3, 4, 'WEBPVP8'), 'image/webp');
    for (const other of ['', '<svg xmlns="x">', 'RIFF....WAVE', '%PDF-1.7']) assert.equal(of(other), null);
  });

  test('keep their shape when they are made smaller, and are never made larger', () => {
    assert.deepEqual(fitted(3000, 1500, 1568), { width: 1568, height: 784 });
    assert.deepEqual(fitted(10, 20, 1568), { width: 10, height: 20 });
    assert.deepEqual(fitted(10_000, 1, 1568), { width: 1568, height: 1 });
  });
});
