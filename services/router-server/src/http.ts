/** KServe v2 over HTTP/JSON, with the fields that v1's Rust controller insists on. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeConfig, describeModel, SERVER } from './describe.ts';
import { errorText, HTTP_STATUS, InferError } from './errors.ts';
import { type InputTensor, infer } from './infer.ts';
import type { Management } from './management.ts';
import type { ServerMetrics } from './metrics.ts';
import type { Repository } from './repository.ts';
import { statisticsOf } from './statistics.ts';
import type { Tensor, TensorData } from './tensor.ts';

const MAX_BODY_BYTES = 64 * 1024 * 1024;

const bad = (message: string) => new InferError('INVALID_ARGUMENT', message);

/** Collects the body. Beyond the limit the rest is read and thrown away, so that the client gets to read its answer. */
function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= MAX_BODY_BYTES) {
        parts.push(part);
        return;
      }
      parts.length = 0;
      reject(new InferError('RESOURCE_EXHAUSTED', `the body is larger than ${MAX_BODY_BYTES} bytes`));
    });
    request.once('end', () => resolve(Buffer.concat(parts).toString('utf8')));
    request.once('error', reject);
    request.once('close', () => reject(new InferError('CANCELLED', 'the client has gone')));
  });
}

const BINARY = 'the binary tensor data extension is not served here; send and ask for JSON data';

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  if (request.headers['inference-header-content-length'] !== undefined)
    throw new InferError('UNIMPLEMENTED', BINARY);
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new InferError('UNIMPLEMENTED', `content-encoding ${encoding} is not served here; send it plain`);
  const text = await readBody(request);
  if (text.trim() === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw bad(`the body is not JSON: ${(error as Error).message}`);
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw bad('the body must be a JSON object');
  return body as Record<string, unknown>;
}

type Parameters = Record<string, unknown> | undefined;

/** A client that asked for bytes and got JSON would misread it, so it is told. */
function refuseBinary(parameters: Parameters): void {
  const asked = parameters?.binary_data_output === true || parameters?.binary_data === true;
  if (asked || parameters?.binary_data_size !== undefined) throw new InferError('UNIMPLEMENTED', BINARY);
}

/** JSON data may be flat or nested by dimension; both are row-major. */
function dataOf(datatype: string, name: string, data: unknown): TensorData {
  if (!Array.isArray(data)) throw bad(`input '${name}': data must be an array`);
  const flat = (data as unknown[]).flat(8);
  if (datatype === 'BYTES') {
    return flat.map((value) => {
      if (typeof value !== 'string')
        throw bad(`input '${name}': BYTES data must be strings, got ${typeof value}`);
      return Buffer.from(value, 'utf8');
    });
  }
  if (flat.some((value) => typeof value !== 'number'))
    throw bad(`input '${name}': ${datatype} data must be numbers`);
  const numbers = flat as number[];
  if (datatype === 'FP32') return Float32Array.from(numbers);
  if (numbers.some((value) => !Number.isSafeInteger(value)))
    throw bad(`input '${name}': ${datatype} data must be whole numbers`);
  if (datatype === 'INT32') return Int32Array.from(numbers);
  if (datatype === 'INT64') return BigInt64Array.from(numbers, BigInt);
  throw bad(`input '${name}': datatype ${datatype} is not served here`);
}

function inputsOf(body: Record<string, unknown>): InputTensor[] {
  if (!Array.isArray(body.inputs)) throw bad("'inputs' must be an array of tensors");
  return (body.inputs as Record<string, unknown>[]).map((input, index) => {
    const { name, datatype, shape, data } = input ?? {};
    if (typeof name !== 'string' || typeof datatype !== 'string' || !Array.isArray(shape)) {
      throw bad(`inputs[${index}] must have name, datatype, shape and data`);
    }
    refuseBinary(input?.parameters as Parameters);
    return { name, datatype, shape: shape.map(Number), data: dataOf(datatype, name, data) };
  });
}

function outputsOf(body: Record<string, unknown>) {
  const outputs = (body.outputs ?? []) as { name?: unknown; parameters?: { classification?: unknown } }[];
  if (!Array.isArray(outputs)) throw bad("'outputs' must be an array");
  return outputs.map((output, index) => {
    if (typeof output?.name !== 'string') throw bad(`outputs[${index}] must have a name`);
    refuseBinary(output.parameters as Parameters);
    return { name: output.name, classification: Number(output.parameters?.classification ?? 0) };
  });
}

function jsonData({ datatype, data }: Tensor): unknown[] {
  if (datatype === 'BYTES') return (data as Buffer[]).map((value) => value.toString('utf8'));
  return datatype === 'INT64' ? Array.from(data as BigInt64Array, Number) : Array.from(data as Float32Array);
}

function decodeName(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw bad(`'${part}' in the path is not percent-encoded UTF-8`);
  }
}

const MODEL_PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(\/[a-z]+)?$/;
const REPOSITORY_PATH = /^\/v2\/repository\/models\/([^/]+)\/(load|unload)$/;

export async function serveHttp(
  repository: Repository,
  metrics: ServerMetrics,
  management: Management,
  host: string,
  port: number,
): Promise<{ port: number; server: Server }> {
  async function modelInfer(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    version: string,
  ): Promise<object> {
    const body = await readJson(request);
    refuseBinary(body.parameters as Parameters);
    const controller = new AbortController();
    response.once('close', () => controller.abort());
    const { model, outputs } = await infer(repository, metrics, {
      model: name,
      version,
      inputs: inputsOf(body),
      outputs: outputsOf(body),
      signal: controller.signal,
    });
    return {
      model_name: model.config.name,
      model_version: model.version,
      ...(typeof body.id === 'string' && { id: body.id }),
      parameters: { sequence_id: 0, sequence_start: false, sequence_end: false },
      outputs: outputs.map((tensor) => ({
        name: tensor.name,
        datatype: tensor.datatype,
        shape: tensor.shape,
        data: jsonData(tensor),
      })),
    };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<object | null> {
    const path = (request.url ?? '/').split('?')[0]!;
    const { method } = request;
    if (method === 'GET' && (path === '/v2' || path === '/v2/')) return SERVER;
    if (method === 'GET' && path === '/v2/health/live') return {};
    if (method === 'GET' && path === '/v2/health/ready') {
      if (repository.index().some((row) => row.state === 'READY')) return {};
      throw new InferError('UNAVAILABLE', 'no model is ready');
    }
    if (path === '/metrics' && method === 'GET') {
      response
        .writeHead(200, { 'content-type': metrics.registry.contentType })
        .end(await metrics.registry.metrics());
      return null;
    }
    if (method === 'POST' && path === '/v2/repository/index') {
      const { ready } = await readJson(request);
      return repository.index().filter((row) => ready !== true || row.state === 'READY');
    }
    const control = REPOSITORY_PATH.exec(path);
    if (control && method === 'POST') {
      management.check(request.socket.remoteAddress ?? '', request.headers);
      await repository[control[2] as 'load' | 'unload'](decodeName(control[1]!));
      return {};
    }
    const match = MODEL_PATH.exec(path);
    if (!match) throw new InferError('NOT_FOUND', `no such path: ${method} ${path}`);
    const [, rawName, version = '', action = ''] = match;
    const name = decodeName(rawName!);
    if (method === 'POST' && action === '/infer') return modelInfer(request, response, name, version);
    if (method === 'GET' && action === '') return describeModel(repository.get(name, version));
    if (method === 'GET' && action === '/config') return describeConfig(repository.get(name, version));
    if (method === 'GET' && action === '/stats')
      return { model_stats: [await statisticsOf(repository.get(name, version), metrics)] };
    if (method === 'GET' && action === '/ready') {
      repository.get(name, version);
      return {};
    }
    throw new InferError('NOT_FOUND', `no such path: ${method} ${path}`);
  }

  const server = createServer((request, response) => {
    const send = (code: number, body: object) => {
      if (response.headersSent || response.destroyed) return;
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    answer(request, response).then(
      (body) => body && send(200, body),
      (error: unknown) => {
        const code = error instanceof InferError ? HTTP_STATUS[error.code] : 500;
        send(code, { error: errorText(error) });
      },
    );
  });
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, server };
}
