import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClassifierEndpoint } from '../../config/types.ts';
import { ClassifierError, type ModelClient, type ModelDescription } from './model-client.ts';
import { SharedModels } from './shared-model.ts';
import { DESCRIPTION } from './testing.ts';

const SHARED: ModelDescription = { ...DESCRIPTION, maxBatch: 8 };

const endpoint = (address: string): ClassifierEndpoint => ({ protocol: 'grpc', address, model: 'm' });

/** Clients that tell what was done with them. */
function world(away: readonly string[] = []) {
  const did: string[] = [];
  const sizes: number[] = [];
  const connect = ({ address }: ClassifierEndpoint): ModelClient => {
    did.push(`connect ${address}`);
    return {
      address,
      describe: async () => {
        did.push(`describe ${address}`);
        return { ...SHARED };
      },
      infer: async (texts) => {
        did.push(`infer ${address} ${texts.join('+')}`);
        if (away.includes(address)) throw new ClassifierError('unavailable', `${address} is away`);
        return {
          answers: texts.map(() => ({ output: [1, 0], tokenCount: null, scores: null })),
          modelVersion: '1',
        };
      },
      close: () => did.push(`close ${address}`),
    };
  };
  const models = new SharedModels({ connect, onBatch: (size) => sizes.push(size) });
  return { models, did, sizes };
}

const OPTIONS = { deadlineMs: 1_000 };

test('equal lists of endpoints are one model, closed when the last one gives it back', () => {
  const { models, did } = world();
  const first = models.lend([endpoint('a:1')], { batch_max: 8 });
  const second = models.lend([endpoint('a:1')], { batch_max: 8 });
  const other = models.lend([endpoint('a:1'), endpoint('b:1')], { batch_max: 8 });
  assert.equal(first.model, second.model);
  assert.notEqual(first.model, other.model);
  assert.deepEqual(did, ['connect a:1', 'connect a:1', 'connect b:1']);
  did.length = 0;
  first.giveBack();
  first.giveBack();
  assert.deepEqual(did, []);
  second.giveBack();
  assert.deepEqual(did, ['close a:1']);
  assert.notEqual(models.lend([endpoint('a:1')], { batch_max: 8 }).model, second.model);
});

test('readings at the same time are one; prompts of all who have read the same go together', async () => {
  const { models, did, sizes } = world();
  const { model } = models.lend([endpoint('a:1')], { batch_max: 8 });
  const [client] = model.clients();
  const both = await Promise.all([model.describe(client!, 100), model.describe(client!, 100)]);
  const later = await model.describe(client!, 100);
  assert.deepEqual(did.slice(1), ['describe a:1', 'describe a:1']);
  const descriptions = [...both, later];
  await Promise.all(
    descriptions.map((description, at) => model.batcher(description).classify(`text ${at}`, OPTIONS)),
  );
  assert.deepEqual(did.slice(3), ['infer a:1 text 0+text 1+text 2']);
  assert.deepEqual(sizes, [3]);
});

test('prompts for another version, or for other outputs, go in calls of their own', async () => {
  const { models, did } = world();
  const { model } = models.lend([endpoint('a:1')], { batch_max: 8 });
  const kinds = [SHARED, { ...SHARED, version: '2' }, { ...SHARED, hasTokenCount: true }];
  await Promise.all(kinds.map((kind, at) => model.batcher(kind).classify(`text ${at}`, OPTIONS)));
  assert.deepEqual(did.slice(1).sort(), ['infer a:1 text 0', 'infer a:1 text 1', 'infer a:1 text 2']);
});

test('the next endpoint is asked in the place of one that is away', async () => {
  const { models, did } = world(['a:1']);
  const { model } = models.lend([endpoint('a:1'), endpoint('b:1')], { batch_max: 8 });
  const batcher = model.batcher(SHARED);
  const { answer } = await batcher.classify('text', OPTIONS);
  assert.deepEqual(answer.output, [1, 0]);
  assert.deepEqual(did.slice(2), ['infer a:1 text', 'infer b:1 text']);
});
