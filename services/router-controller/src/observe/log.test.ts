/** The line of a request goes a shorter way than winston's, and nobody can tell. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLog, type Logger, logRequest, timestampOf } from './log.ts';

function logging(level: string, more: { severity?: boolean; worker?: number } = {}) {
  const stream = new PassThrough();
  const log = createLog({ level, stream, ...more });
  const lines = () =>
    String(stream.read() ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/"timestamp":"[^"]+"/, '"timestamp":"…"'));
  return { log, lines };
}

const FIELDS = {
  request_id: 'req_1',
  status: 200,
  caller: undefined,
  label: null,
  attempts: [{ target: 'a', ms: 1.5 }],
  prompt: 'ein Müller, “quoted”',
};

for (const [what, fields] of [
  ['plain fields', FIELDS],
  ['no fields', {}],
  ['a key in a text', { ...FIELDS, prompt: 'my key is sk-abcdefghijklmnop' }],
  ['a field that holds a secret by its name', { ...FIELDS, api_key: 'x' }],
  ['an error', { error: new Error('no', { cause: 'why' }) }],
] as const)
  for (const more of [{}, { severity: true }, { worker: 2 }])
    test(`${what} ${JSON.stringify(more)}: the same line as any other`, () => {
      const { log, lines } = logging('info', more);
      log.info('request', { ...fields });
      logRequest(log, fields);
      const [slow, quick, ...rest] = lines();
      assert.equal(quick, slow);
      assert.match(quick!, /^\{"level":"info","message":"request","timestamp":"…"/);
      assert.deepEqual(rest, []);
    });

test('the level in force is its own, too', () => {
  const { log, lines } = logging('warn');
  logRequest(log, FIELDS);
  assert.deepEqual(lines(), []);
  log.level = 'info';
  logRequest(log, FIELDS);
  assert.equal(lines().length, 1);
});

test('a log of somebody else’s hears of it as of all else', () => {
  const heard: unknown[] = [];
  logRequest({ info: (...told: unknown[]) => heard.push(told) } as unknown as Logger, FIELDS);
  assert.deepEqual(heard, [['request', FIELDS]]);
});

/** More than a pipe or a socket takes before its reader reads. */
const LINES = 5_000;

for (const [how, pause, end] of [
  ['exits', '', 'process.exit(0);'],
  [
    'takes its leave',
    'if (n % 500 === 499) await new Promise((resolve) => setImmediate(resolve));',
    'await log.finish();',
  ],
] as const)
  test(`lines of both ways stand in the order in which they were told, to the last of a process that ${how}`, () => {
    const program = `
      import { createLog, logRequest } from '${import.meta.resolve('./log.ts')}';
      const log = createLog({ level: 'info' });
      for (let n = 0; n < ${LINES}; n++) {
        if (n % 3 === 0) log.warn('other', { n });
        else logRequest(log, { n });
        ${pause}
      }
      ${end}`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    const told = stderr
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { n: number }).n);
    assert.deepEqual(told, [...Array(LINES).keys()]);
  });

test('a line’s time is as toISOString has it, whatever second it falls into', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4_102_444_800_000 }), { minLength: 1 }), (times) => {
      for (const time of times.flatMap((at) => [at, at + 1, at + 999, at]))
        assert.equal(timestampOf(time), new Date(time).toISOString());
    }),
  );
});
