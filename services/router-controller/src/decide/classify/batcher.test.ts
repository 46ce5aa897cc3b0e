import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PromptBatcher } from './batcher.ts';
import { ClassifierError, type InferResult } from './model-client.ts';

interface Call {
  readonly texts: readonly string[];
  readonly signal: AbortSignal;
  readonly answer: (result?: InferResult) => void;
  readonly fail: (error: Error) => void;
}

const echo = (texts: readonly string[]): InferResult => ({
  modelVersion: '7',
  answers: texts.map((text) => ({ output: [text.length], tokenCount: null, scores: null })),
});

/** A batcher whose calls are answered by hand. */
function byHand(max = 16, onAlone?: (problem: string) => void) {
  const calls: Call[] = [];
  const batcher = new PromptBatcher(
    (texts, { signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<InferResult>();
      calls.push({ texts, signal, answer: (result) => resolve(result ?? echo(texts)), fail: reject });
      return promise;
    },
    () => max,
    onAlone,
  );
  return { batcher, calls, turn: () => new Promise<void>((done) => setImmediate(() => setImmediate(done))) };
}
const patient = { deadlineMs: 60_000 };

test('texts of one turn share a call, and each gets its own row', async () => {
  const { batcher, calls, turn } = byHand();
  const asked = ['a', 'bb', 'ccc'].map((text) => batcher.classify(text, patient));
  await turn();
  assert.deepEqual(
    calls.map(({ texts }) => texts),
    [['a', 'bb', 'ccc']],
  );
  calls[0]!.answer();
  assert.deepEqual(
    (await Promise.all(asked)).map(({ answer }) => answer.output[0]),
    [1, 2, 3],
  );
});

test('the same text in flight is asked once, even from a later turn', async () => {
  const { batcher, calls, turn } = byHand();
  const first = batcher.classify('same', patient);
  await turn();
  const second = batcher.classify('same', patient);
  await turn();
  assert.equal(calls.length, 1);
  calls[0]!.answer();
  assert.deepEqual([(await first).joined, (await second).joined], [false, true]);
});

test('the same text of another tenant is asked by itself: its time would tell of the first', async () => {
  const { batcher, calls, turn } = byHand();
  const first = batcher.classify('same', { ...patient, sharedWith: 'acme' });
  await turn();
  const second = batcher.classify('same', { ...patient, sharedWith: 'bravo' });
  await turn();
  assert.equal(calls.length, 2);
  for (const call of calls) call.answer();
  assert.deepEqual([(await first).joined, (await second).joined], [false, false]);
});

test('a call carries no more than the model takes, and like lengths go together', async () => {
  const { batcher, calls, turn } = byHand(2);
  const texts = ['a', 'b', 'c', 'x'.repeat(5000)];
  const asked = texts.map((text) => batcher.classify(text, patient));
  await turn();
  assert.deepEqual(calls.map((call) => call.texts.length).sort(), [1, 1, 2]);
  assert.ok(calls.some((call) => call.texts.length === 1 && call.texts[0]!.length === 5000));
  for (const call of calls) call.answer();
  await Promise.all(asked);
});

test('one text that the model refuses spares its batch mates', async () => {
  const { batcher, calls, turn } = byHand();
  const good = batcher.classify('good', patient);
  const bad = batcher.classify('bad', patient);
  await turn();
  calls[0]!.fail(new ClassifierError('other', 'row 1 is no text'));
  await turn();
  for (const call of calls.slice(1)) {
    if (call.texts[0] === 'bad') call.fail(new ClassifierError('other', 'no text'));
    else call.answer();
  }
  assert.equal((await good).answer.output[0], 4);
  await assert.rejects(bad, /no text/);
});

test('a model that answers one of several texts is asked for each alone, without trying again each time', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  const problems: string[] = [];
  const { batcher, calls, turn } = byHand(16, (problem) => problems.push(problem));
  const answerAll = async (): Promise<void> => {
    await turn();
    for (const { texts, answer, fail } of calls.splice(0)) {
      sizes.push(texts.length);
      if (texts.length === 1) answer();
      else fail(new ClassifierError('bad_answer', '12 numbers for 2 prompts'));
    }
  };
  let sizes: number[] = [];
  const ask = async () => {
    sizes = [];
    const asked = [batcher.classify('a', patient), batcher.classify('bb', patient)];
    await answerAll();
    await answerAll();
    assert.deepEqual(
      (await Promise.all(asked)).map(({ answer }) => answer.output[0]),
      [1, 2],
    );
    return sizes;
  };
  assert.deepEqual(await ask(), [2, 1, 1]);
  assert.deepEqual(await ask(), [1, 1]);
  assert.deepEqual(problems, ['12 numbers for 2 prompts']);
  // It may have been mended meanwhile.
  now += 5 * 60_000 + 1;
  assert.deepEqual(await ask(), [2, 1, 1]);
  assert.equal(problems.length, 2);
});

test('who leaves leaves alone; when the last one leaves, the call is aborted', async () => {
  const { batcher, calls, turn } = byHand();
  const leaver = new AbortController();
  const other = new AbortController();
  const one = batcher.classify('one', { ...patient, signal: leaver.signal });
  const two = batcher.classify('two', { ...patient, signal: other.signal });
  await turn();
  leaver.abort();
  await assert.rejects(one, { reason: 'aborted' });
  assert.equal(calls[0]!.signal.aborted, false);
  other.abort();
  await assert.rejects(two, { reason: 'aborted' });
  assert.equal(calls[0]!.signal.aborted, true);
});

test('each request has its own deadline', async () => {
  const { batcher, calls, turn } = byHand();
  const hurried = batcher.classify('same', { deadlineMs: 20 });
  const calm = batcher.classify('same', patient);
  await assert.rejects(hurried, { reason: 'timeout' });
  await turn();
  calls[0]!.answer();
  assert.equal((await calm).answer.output[0], 4);
});
