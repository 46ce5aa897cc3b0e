/** A classifier that answers at once: KServe v2 over HTTP/2 without a gRPC library, so that it is not what is measured. */
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { encodeNumbers, kserveService, type ModelInferRequest } from '@llm-router/protos';

export const LABELS = [
  'Brainstorming',
  'Chatbot',
  'Classification',
  'Closed QA',
  'Code Generation',
  'Extraction',
  'Open QA',
  'Other',
  'Rewrite',
  'Summarization',
  'Text Generation',
  'Unknown',
];
const BEST = 4;
const SCORES = LABELS.map((_, at) => (at === BEST ? 0.89 : 0.01));

function infer({ model_name, inputs, outputs = [] }: ModelInferRequest): object {
  const rows = Number(inputs[0]?.shape[0] ?? 1);
  const name = outputs[0]?.name ?? 'OUTPUT';
  const head = { model_name, model_version: '1' };
  if (outputs[0]?.parameters?.classification) {
    const classes = LABELS.map((label, at) => Buffer.from(`${SCORES[at]}:${at}:${label}`));
    const tensor = {
      name,
      datatype: 'BYTES',
      shape: [1, classes.length],
      contents: { bytes_contents: classes },
    };
    return { ...head, outputs: [tensor] };
  }
  const scores = encodeNumbers('FP32', Array.from({ length: rows }, () => SCORES).flat());
  return {
    ...head,
    outputs: [{ name: 'OUTPUT', datatype: 'FP32', shape: [rows, LABELS.length] }],
    raw_output_contents: [scores],
  };
}

const METADATA = {
  versions: ['1'],
  platform: 'ensemble',
  inputs: [{ name: 'INPUT', datatype: 'BYTES', shape: [-1, 1] }],
  outputs: [{ name: 'OUTPUT', datatype: 'FP32', shape: [-1, LABELS.length] }],
};

function reply(method: string, request: object): object | null {
  if (method === 'ModelInfer') return infer(request as ModelInferRequest);
  const { name } = request as { name: string };
  if (method === 'ModelMetadata') return { name, ...METADATA };
  if (method === 'ModelConfig') return { config: { name, platform: 'ensemble', max_batch_size: 64 } };
  return null;
}

const PREFIX = 5;

/** @returns host:port */
export async function startFakeTriton(): Promise<string> {
  /** Answers by request: all but the prompt is the same again and again. */
  const known = new Map<string, Buffer>();
  const frameFor = (method: string, message: Buffer): Buffer | null => {
    const definition = kserveService[method];
    if (!definition) return null;
    const request = definition.requestDeserialize(message) as ModelInferRequest;
    const key = `${method} ${request.model_name} ${request.inputs?.[0]?.shape} ${JSON.stringify(request.outputs)}`;
    const before = known.get(key);
    if (before) return before;
    const value = reply(method, request);
    if (value === null) return null;
    const bytes = definition.responseSerialize(value);
    const frame = Buffer.alloc(PREFIX + bytes.length);
    frame.writeUInt32BE(bytes.length, 1);
    bytes.copy(frame, PREFIX);
    if (method === 'ModelInfer') known.set(key, frame);
    return frame;
  };

  /** A stream's answer carries its request's id; the rest is the same again and again, as above. */
  const streamed = (message: Buffer): Buffer => {
    const { id = '' } = kserveService.ModelInfer!.requestDeserialize(message) as ModelInferRequest;
    const answer = frameFor('ModelInfer', message)!.subarray(PREFIX);
    // ModelInferResponse.id is field 3; in ModelStreamInferResponse the answer is field 2. Both are shorter than 16 KB.
    const named = Buffer.concat([answer, Buffer.from([0x1a, id.length]), Buffer.from(id)]);
    const head = Buffer.from([0, 0, 0, 0, 0, 0x12, (named.length & 0x7f) | 0x80, named.length >> 7]);
    head.writeUInt32BE(named.length + head.length - PREFIX, 1);
    return Buffer.concat([head, named]);
  };
  const answerStream = (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    let rest: Buffer = Buffer.alloc(0);
    stream.on('data', (part: Buffer) => {
      rest = rest.length > 0 ? Buffer.concat([rest, part]) : part;
      while (rest.length >= PREFIX && rest.length >= PREFIX + rest.readUInt32BE(1)) {
        const end = PREFIX + rest.readUInt32BE(1);
        stream.write(streamed(rest.subarray(PREFIX, end)));
        rest = rest.subarray(end);
      }
    });
    stream.on('end', () => stream.end());
  };

  const server = createServer();
  server.on('stream', (stream, headers) => {
    const method = String(headers[':path']).split('/').at(-1)!;
    stream.on('error', () => {});
    if (method === 'ModelStreamInfer') return answerStream(stream);
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      const frame = frameFor(method, Buffer.concat(parts).subarray(PREFIX));
      // 12: UNIMPLEMENTED
      const status = frame ? '0' : '12';
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
      stream.end(frame ?? undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return `127.0.0.1:${port}`;
}
