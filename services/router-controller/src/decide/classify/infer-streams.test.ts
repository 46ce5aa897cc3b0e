/** Decisions by open streams, and what becomes of them where streams break, lie or are not known. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import {
  createKServeClient,
  encodeNumbers,
  type KServeClient,
  kserveService,
  type ModelInferRequest,
  type ModelInferResponse,
  type ModelStreamInferResponse,
} from '@llm-router/protos';
import { InferStreams } from './infer-streams.ts';
import { ClassifierError } from './model-client.ts';
import { listen } from './testing.ts';

type Stream = ServerDuplexStream<ModelInferRequest, Partial<ModelStreamInferResponse>>;
type OnRequest = (request: ModelInferRequest, stream: Stream, nth: number) => void;

const answer = ({ id, model_name }: ModelInferRequest): ModelInferResponse => ({
  model_name,
  model_version: '1',
  id: id ?? '',
  outputs: [{ name: 'OUTPUT', datatype: 'FP32', shape: [1, 2] }],
  raw_output_contents: [encodeNumbers('FP32', [1, 0])],
});
const wellBehaved: OnRequest = (request, stream) =>
  void stream.write({ error_message: '', infer_response: answer(request) });

/** A classifier that counts how it is asked; its calls answer `called`. Without `onRequest` it knows no streams. */
async function classifier(context: TestContext, onRequest?: OnRequest) {
  const server = new Server();
  const told = { streams: 0, streamed: 0, calls: 0, ended: 0, gone: 0, server, address: '' };
  server.addService(kserveService, {
    ModelInfer: (
      { request }: ServerUnaryCall<ModelInferRequest, ModelInferResponse>,
      callback: sendUnaryData<ModelInferResponse>,
    ) => {
      told.calls++;
      callback(null, answer({ ...request, model_name: 'called' }));
    },
    ...(onRequest && {
      ModelStreamInfer: (stream: Stream) => {
        told.streams++;
        let nth = 0;
        stream.on('data', (request: ModelInferRequest) => {
          told.streamed++;
          onRequest(request, stream, ++nth);
        });
        // grpc-js tells it of every stream in the end, however it ends.
        stream.on('cancelled', () => told.gone++);
        stream.on('error', () => {});
        stream.on('end', () => {
          told.ended++;
          stream.end();
        });
      },
    }),
  });
  const port = await listen(server);
  told.address = `127.0.0.1:${port}`;
  const client = createKServeClient(told.address, {
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
  });
  context.after(() => {
    client.close();
    server.forceShutdown();
  });
  return { told, client };
}

const REQUEST: ModelInferRequest = {
  model_name: 'streamed',
  inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [1, 1] }],
  raw_input_contents: [Buffer.from('\x01\0\0\0x')],
};
const PATIENT = { deadlineMs: 10_000 };

/** Waits for what the server's side brings, ten seconds at most. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited += 5) {
    assert.ok(waited < 10_000, `${what} did not come`);
    await sleep(5);
  }
}

const call =
  (client: KServeClient) =>
  ({ deadlineMs }: { readonly deadlineMs: number }): Promise<ModelInferResponse> =>
    new Promise((resolve, reject) =>
      client.ModelInfer(REQUEST, { deadline: Date.now() + deadlineMs }, (error, response) =>
        error ? reject(error) : resolve(response),
      ),
    );

/** Streams that were found to work, and how one asks by them: resolves to who answered, `streamed` or `called`. */
async function streamsTo(client: KServeClient, address: string, mostAgeMs?: number) {
  const streams = new InferStreams(address, mostAgeMs);
  await streams.probe(client, REQUEST, PATIENT);
  const ask = async (options: { deadlineMs: number; signal?: AbortSignal } = PATIENT) =>
    (await streams.ask(client, REQUEST, options, call(client))).model_name;
  return { streams, ask };
}

test('one stream carries request after request, and no call is made', async (context) => {
  const { told, client } = await classifier(context, wellBehaved);
  const { streams, ask } = await streamsTo(client, told.address);
  assert.equal(streams.isOn, true);
  for (let asked = 0; asked < 20; asked++) assert.equal(await ask(), 'streamed');
  assert.deepEqual([told.streams, told.streamed, told.calls], [1, 21, 0]);
  streams.close();
});

test('requests that come together get a stream each; above sixteen they go by calls', async (context) => {
  const { told, client } = await classifier(context, (request, stream, nth) =>
    setTimeout(() => wellBehaved(request, stream, nth), 100),
  );
  const { streams, ask } = await streamsTo(client, told.address);
  const by = await Promise.all(Array.from({ length: 20 }, () => ask()));
  assert.equal(by.filter((how) => how === 'streamed').length, 16);
  assert.equal(by.filter((how) => how === 'called').length, 4);
  assert.equal(told.streams, 16);
  streams.close();
});

test('a server without streams is asked by calls, and after the probe never by a stream', async (context) => {
  const { told, client } = await classifier(context);
  const { streams, ask } = await streamsTo(client, told.address);
  assert.equal(streams.isOn, false);
  for (let asked = 0; asked < 5; asked++) assert.equal(await ask(), 'called');
  assert.equal(told.calls, 5);
});

test('a server that says nothing on streams costs no request anything', async (context) => {
  const { told, client } = await classifier(context, () => {});
  const streams = new InferStreams(told.address);
  const probe = streams.probe(client, REQUEST, { deadlineMs: 200 });
  const { model_name } = await streams.ask(client, REQUEST, PATIENT, call(client));
  assert.equal(model_name, 'called');
  await probe;
  assert.equal(streams.isOn, false);
  await until('the end of the stream', () => told.gone === 1);
});

test('what a stream refuses and a call answers is answered, and by calls from then on', async (context) => {
  const { told, client } = await classifier(context, (request, stream, nth) =>
    nth === 1
      ? wellBehaved(request, stream, nth)
      : stream.write({ error_message: 'streams are for decoupled models', infer_response: null }),
  );
  const { streams, ask } = await streamsTo(client, told.address);
  assert.equal(await ask(), 'called');
  assert.equal(streams.isOn, false);
  assert.equal(await ask(), 'called');
  assert.deepEqual([told.streamed, told.calls], [2, 2]);
  streams.close();
});

test('what a stream and a call both refuse is told as the call tells it, and streams stay', async (context) => {
  const { told, client } = await classifier(context, (request, stream, nth) =>
    nth === 2
      ? stream.write({ error_message: 'the queue is full', infer_response: null })
      : wellBehaved(request, stream, nth),
  );
  const { streams, ask } = await streamsTo(client, told.address);
  const full = new ClassifierError('unavailable', 'RESOURCE_EXHAUSTED');
  await assert.rejects(
    streams.ask(client, REQUEST, PATIENT, () => Promise.reject(full)),
    full,
  );
  assert.equal(streams.isOn, true);
  assert.equal(await ask(), 'streamed');
  streams.close();
});

test("another request's answer, and one that nobody asked for, are never taken for this one's", async (context) => {
  const { told, client } = await classifier(context, (request, stream, nth) => {
    if (nth === 2)
      return stream.write({ error_message: '', infer_response: { ...answer(request), id: '1' } });
    wellBehaved(request, stream, nth);
    // The first request's answer comes twice.
    if (nth === 1 && told.streams > 1) wellBehaved(request, stream, nth);
  });
  const { streams, ask } = await streamsTo(client, told.address);
  assert.equal(await ask(), 'called');
  assert.equal(await ask(), 'streamed');
  await until('the end of streams', () => told.gone >= 2);
  assert.equal(streams.isOn, true);
  streams.close();
});

test('a stream that the server ends while it is asked: the call answers, and streams go on', async (context) => {
  for (const end of [
    (stream: Stream) => stream.end(),
    (stream: Stream) => stream.emit('error', { code: status.UNAVAILABLE, details: 'going down' }),
  ]) {
    const { told, client } = await classifier(context, (request, stream, nth) =>
      nth === 3 ? end(stream) : wellBehaved(request, stream, nth),
    );
    const { streams, ask } = await streamsTo(client, told.address);
    assert.equal(await ask(), 'streamed');
    assert.equal(await ask(), 'called');
    assert.equal(await ask(), 'streamed');
    assert.equal(told.streams, 2);
    streams.close();
  }
});

test('a server that no longer takes streams: the call answers, and streams are off', async (context) => {
  let takes = true;
  const { told, client } = await classifier(context, (request, stream, nth) =>
    takes
      ? wellBehaved(request, stream, nth)
      : stream.emit('error', { code: status.UNIMPLEMENTED, details: 'no streams here' }),
  );
  const { streams, ask } = await streamsTo(client, told.address, 1);
  takes = false;
  await sleep(5);
  assert.equal(await ask(), 'called');
  assert.equal(streams.isOn, false);
});

test('a request whose client left, or whose time is up, ends its stream and no other; after the latter streams are proven anew', async (context) => {
  let silent = false;
  const { told, client } = await classifier(context, (request, stream, nth) =>
    silent ? undefined : wellBehaved(request, stream, nth),
  );
  const { streams, ask } = await streamsTo(client, told.address);
  silent = true;
  const leaver = new AbortController();
  const left = ask({ ...PATIENT, signal: leaver.signal });
  setTimeout(() => leaver.abort(), 20);
  await assert.rejects(left, { reason: 'aborted' });
  assert.equal(streams.isOn, true);
  await assert.rejects(ask({ deadlineMs: 30 }), {
    reason: 'timeout',
    message: /gave no answer within 30 ms/,
  });
  assert.equal(streams.isOn, false);
  await until('the end of streams', () => told.gone >= 2);
  assert.equal(told.calls, 0);
  silent = false;
  assert.equal(await ask(), 'called');
  await streams.probe(client, REQUEST, PATIENT);
  assert.equal(await ask(), 'streamed');
  streams.close();
});

test('streams are ended when they are old, whether they are used or not', async (context) => {
  const { told, client } = await classifier(context, wellBehaved);
  const { streams, ask } = await streamsTo(client, told.address, 40);
  await sleep(60);
  assert.equal(await ask(), 'streamed');
  assert.ok(told.streams >= 2);
  await until('the end of streams', () => told.ended >= told.streams);
  streams.close();
});

test('after close all streams are ended, and nothing is asked by one', async (context) => {
  const { told, client } = await classifier(context, wellBehaved);
  const { streams, ask } = await streamsTo(client, told.address);
  streams.close();
  await until('the end of streams', () => told.ended >= 1);
  assert.equal(await ask(), 'called');
});
