/** A run to which nothing can come ends by itself and says why; one that goes badly is measured. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Fault, startStandInLlms } from '@llm-router/stand-in-llms';
import { startWrongPlaces } from '../../router-controller/test/wrong-places.ts';
import { readOptions } from '../src/options.ts';
import { readPrompts } from '../src/prompts.ts';
import { run } from '../src/run.ts';

const prompts = readPrompts();
const loadOn = (url: string, ...args: string[]) => run(readOptions(['--url', url, ...args], {})!, prompts);

let wrong: Awaited<ReturnType<typeof startWrongPlaces>>;
before(async () => {
  wrong = await startWrongPlaces();
});
after(() => wrong.close());

test('a wrong address ends a run of an hour, in words that tell what would be right', async () => {
  await Promise.all(
    Object.entries(wrong.places).map(async ([name, { url, told }]) => {
      const report = await loadOn(url, '--seconds', '3600', '--i-own-this-target');
      assert.match(report.gave_up ?? '', told, name);
      assert.equal(report.answered, 0);
      assert.ok(report.sent < report.planned!, name);
    }),
  );
});

test('with one request an hour and with clients that wait, too', async () => {
  const { url, told } = wrong.places.nobody;
  assert.match((await loadOn(url, '--rate', '0.01', '--seconds', '3600')).gave_up!, told);
  assert.match((await loadOn(url, '--loop', 'closed', '--clients', '1', '--think', '300')).gave_up!, told);
});

test('a run that is over before tells why nothing was answered', async () => {
  const { url, told } = wrong.places['another path'];
  const report = await loadOn(url, '--seconds', '1', '--rate', '4');
  assert.deepEqual([report.sent, report.failed], [4, 4]);
  assert.match(report.gave_up!, told);
});

/** Answers as it is told for each request. */
async function upstream(faultOf: (index: number) => Fault | null, ...args: string[]) {
  let index = 0;
  const llms = await startStandInLlms({ fault: () => faultOf(index++) });
  try {
    return await loadOn(llms.url, '--rate', '10', '--seconds', '2', ...args);
  } finally {
    await llms.close();
  }
}

for (const [name, faultOf] of [
  ['one answer, then none', (index: number) => (index === 0 ? null : { kind: 'refuse' })],
  [
    'failures, then answers',
    (index: number) => (index < 5 ? { kind: 'status', status: 503, retryAfter: null } : null),
  ],
  ['a limit that is reached', () => ({ kind: 'status', status: 429, retryAfter: null })],
  ['streams that all break', () => ({ kind: 'truncate', after: 1 })],
] as [string, (index: number) => Fault | null][])
  test(`${name}: measured to the end`, async () => {
    const report = await upstream(faultOf, '--stream-share', '1');
    assert.deepEqual([report.gave_up, report.sent, report.unfinished], [null, 20, 0]);
    assert.ok(report.failed > 0);
  });
