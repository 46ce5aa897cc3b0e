/**
 * Every regular expression of the router takes time in proportion to the text: one that does not is a way to stop the router
 * with a short prompt. They are found by reading the sources, so a new one is tested as soon as it is written.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { echo } from '../echo.ts';
import { redact } from './redact.ts';

const SRC = join(import.meta.dirname, '..');
/** A literal where an expression may begin: a division follows a value instead. */
const LITERAL =
  /(?<=(?:[=(:,?!&|[{;]|=>|return)\s*)\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+)\/([dgimsuvy]*)/g;

interface Found {
  readonly where: string;
  readonly pattern: RegExp;
}

/** A comment may hold a slash. */
const withoutComments = (code: string) =>
  code.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, '').replaceAll(/^\s*\/\/.*$/gm, '');

function regexes(): Found[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|testing\.ts$/.test(file))
    .flatMap((file) =>
      [...withoutComments(readFileSync(join(SRC, file), 'utf8')).matchAll(LITERAL)].map(
        ([literal, source, flags]) => ({
          where: `${relative(SRC, join(SRC, file))} ${literal}`,
          pattern: new RegExp(source!, flags),
        }),
      ),
    );
}

/** What backtracking lives on: runs of one kind, beginnings without an end, and the pattern's own words. */
function pumpsOf({ source }: RegExp): { before: string; pump: string; after: string }[] {
  const words = [
    ...source.replaceAll(/\\[a-zA-Z]/g, ' ').matchAll(/[A-Za-z]{2,}|[-+*/.:;=@#_~!"'`&%$,<>]/g),
  ].map(([word]) => word);
  const units = [...new Set(['a', '0', ' ', '\n', '\t', '/', ':', '-', 'a.', 'a ', ' a', '0 ', ...words])];
  const pumps = units.flatMap((unit) => [
    { before: '', pump: unit, after: '' },
    { before: '', pump: unit, after: '\u0000' },
    { before: '', pump: `${unit}\n`, after: '!' },
    { before: '', pump: `${unit} `, after: '!' },
    { before: '', pump: `-${unit}`, after: '!' },
  ]);
  const openings = [...new Set(words)].slice(0, 24);
  return [
    ...pumps,
    ...openings.flatMap((before) =>
      [' ', '\n', 'a', '0', '-', `${before}:`].map((pump) => ({ before, pump, after: '!' })),
    ),
  ];
}

const SMALL = 1_000;
const STEP = 8;
const SIZES = [SMALL, SMALL * STEP, SMALL * STEP * STEP];
/** What a machine that does other things, too, can take for as much; a pattern in the square needs 500 ms by the second step. */
const NOISE_MS = 40;
/** What takes no longer at the second step takes less than the noise at the third, in the square as well. */
const NOTHING_MS = NOISE_MS / STEP ** 2;

/** CPU of this thread, ms: what others do at the same time is not counted. */
function cost(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** Fails where eight times the text takes more than three times eight times as long. */
function assertLinear(name: string, run: (text: string) => void, pumps: ReturnType<typeof pumpsOf>): void {
  for (const { before, pump, after } of pumps) {
    let last = 0;
    for (const size of SIZES) {
      const text = before + pump.repeat(Math.ceil(size / pump.length)) + after;
      // The best of three: collecting garbage is not the pattern's.
      let ms = Number.POSITIVE_INFINITY;
      for (let n = 0; n < 3 && ms > NOISE_MS / 10 && (n === 0 || ms < 10 * NOISE_MS); n++)
        ms = Math.min(
          ms,
          cost(() => run(text)),
        );
      assert.ok(
        ms <= NOISE_MS + 3 * STEP * last,
        `${name}: ${JSON.stringify(before)} + ${JSON.stringify(pump)} × …: ${last} ms, ${STEP} times as long ${ms} ms`,
      );
      last = ms;
      if (size > SMALL && ms < NOTHING_MS) break;
    }
  }
}

const use = (pattern: RegExp) => (text: string) => {
  if (pattern.global) text.replaceAll(pattern, '');
  else pattern.test(text);
};

test('every regular expression in the sources is linear', () => {
  const found = regexes();
  assert.ok(found.length > 60, `only ${found.length} were found`);
  for (const wanted of [
    'decide/classify/heuristic.ts',
    'observe/redact.ts',
    'http/app.ts',
    'config/schema-auth.ts',
  ])
    assert.ok(
      found.some(({ where }) => where.startsWith(wanted)),
      `none was found in ${wanted}`,
    );
  for (const { where, pattern } of found) assertLinear(where, use(pattern), pumpsOf(pattern));
});

test('the search for them sees a pattern that is not', () => {
  for (const pattern of [/a*a*b/, /(?:^|\n)\s*q\s*\d*\s*:/i, /\beyJ[\w-]{8,}\./g, /\/+$/])
    assert.throws(() => assertLinear(String(pattern), use(pattern), pumpsOf(pattern)), /times as long/);
});

test('redaction and echoes are linear up to the largest body', () => {
  const texts = [
    'a',
    '-eyJ',
    'eyJaaaaaaaa.',
    '-eyJaaaaaaaa',
    '://a:',
    'Bearer ',
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----',
    'sk-',
    'sk-a ',
    '\n',
    '\ud800',
    '\u202e',
  ];
  for (const text of texts)
    for (const run of [(long: string) => void redact(long), (long: string) => void echo(long)]) {
      const cpu = cost(() => run(text.repeat(Math.ceil((32 * 1024 * 1024) / text.length))));
      // Both cut first; uncut, one of these took hours.
      assert.ok(cpu < 2_000, `${JSON.stringify(text)}: ${cpu} ms`);
    }
});
