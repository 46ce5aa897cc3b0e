import assert from 'node:assert/strict';
import { test } from 'node:test';
import { screenOf } from './screen.ts';
import { svgOf } from './svg.ts';

const text = (output: string) => screenOf(output).map((line) => line.map((piece) => piece.text).join(''));

test('what was written over is gone', () => {
  assert.deepEqual(text('loading … 2 s\r             \rdone\r\nnext\r\n'), ['done', 'next']);
  assert.deepEqual(text('one\ntwo\x1b[H\x1b[Jthree\n'), ['three']);
});

test('of a screen of its own what it showed last is left', () => {
  assert.deepEqual(
    text('$ top\r\n\x1b[?1049h\x1b[?25l\x1b[H\x1b[Jfirst\n\x1b[H\x1b[Jsecond\n\x1b[?25h\x1b[?1049l'),
    ['second'],
  );
});

test('what is longer than a line goes on in the next', () => {
  const lines = screenOf('abcdef\nx', 4);
  assert.deepEqual(
    lines.map((line) => line.map((piece) => piece.text).join('')),
    ['abcd', 'ef', 'x'],
  );
});

test('styles are kept by piece', () => {
  assert.deepEqual(screenOf('\x1b[32m✔\x1b[39m Node \x1b[1mfast\x1b[22m'), [
    [
      { text: '✔', colour: 'green', isBold: false, isDim: false },
      { text: ' Node ', colour: null, isBold: false, isDim: false },
      { text: 'fast', colour: null, isBold: true, isDim: false },
    ],
  ]);
});

test('the picture has the text, says what it is, and nothing in it is markup', () => {
  const svg = svgOf(screenOf('a <b> & "c"'), 'Words', 'words');
  assert.match(svg, /a &lt;b&gt; &amp; "c"/);
  assert.match(svg, /<title>Words<\/title>/);
});
