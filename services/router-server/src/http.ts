/** KServe v2 over HTTP: paths and answers. The tensors themselves are read and written by http-tensors.ts. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeConfig, describeModel, SERVER } from './describe.ts';
import { errorText, HTTP_STATUS, InferError } from './errors.ts';
import { parseObject, readBody } from './http-body.ts';
import { HEAD_LENGTH, readInference, writeAnswer } from './http-tensors.ts';
import { infer } from './infer.ts';
import type { LoadedModel } from './load-model.ts';
import type { Management } from './management.ts';
import type { ServerMetrics } from './metrics.ts';
import type { Repository } from './repository.ts';
import { checkLoad, checkUnload } from './repository-request.ts';

const bad = (message: string) => new InferError('INVALID_ARGUMENT', message);

function decodeName(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw bad(`'${part}' in the path is not percent-encoded UTF-8`);
  }
}

const MODEL_PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(\/[a-z]+)?$/;
const STATISTICS_PATH = '/v2/models/stats';
/** Both have an optional name of a repository, as in Triton; there is one here. */
const INDEX_PATH = /^\/v2\/repository(?:\/[^/]+)?\/index$/;
const REPOSITORY_PATH = /^\/v2\/repository(?:\/(?!models\/)[^/]+)?\/models\/([^/]+)\/(load|unload)$/;

const statisticsOf = ({ counts, config, version }: LoadedModel) => counts.tell(config.name, version);

export async function serveHttp(
  repository: Repository,
  metrics: ServerMetrics,
  management: Management,
  host: string,
  port: number,
): Promise<{ port: number; server: Server }> {
  /** Its body as bytes, held until the request has ended. */
  const bodyOf = (request: IncomingMessage, response: ServerResponse) =>
    readBody(request, (free) => response.once('close', free));

  async function jsonOf(request: IncomingMessage, response: ServerResponse) {
    return parseObject(await bodyOf(request, response));
  }

  async function modelInfer(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    version: string,
  ): Promise<null> {
    const body = await bodyOf(request, response);
    const inference = readInference(body, request.headers[HEAD_LENGTH] as string | undefined);
    const controller = new AbortController();
    response.once('close', () => controller.abort());
    const { inputs, outputs } = inference;
    const { signal } = controller;
    const made = await infer(repository, { model: name, version, inputs, outputs, signal });
    const answer = writeAnswer(made, inference);
    if (response.destroyed) return null;
    response
      .writeHead(200, {
        'content-type': answer.headLength === null ? 'application/json' : 'application/octet-stream',
        'content-length': answer.body.length,
        ...(answer.headLength !== null && { [HEAD_LENGTH]: answer.headLength }),
      })
      .end(answer.body);
    return null;
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
    if (method === 'GET' && path === STATISTICS_PATH)
      return { model_stats: repository.all().map(statisticsOf) };
    if (method === 'POST' && INDEX_PATH.test(path)) {
      const { ready } = await jsonOf(request, response);
      return repository.index().filter((row) => ready !== true || row.state === 'READY');
    }
    const control = REPOSITORY_PATH.exec(path);
    if (control && method === 'POST') {
      management.check(request.socket.remoteAddress ?? '', request.headers);
      const name = decodeName(control[1]!);
      const { parameters } = await jsonOf(request, response);
      if (control[2] === 'load') {
        checkLoad(name, parameters);
        await repository.load(name);
      } else await repository.unload(name, checkUnload(name, parameters));
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
      return { model_stats: [statisticsOf(repository.get(name, version))] };
    if (method === 'GET' && action === '/ready') {
      repository.get(name, version);
      return {};
    }
    throw new InferError('NOT_FOUND', `no such path: ${method} ${path}`);
  }

  const server = createServer((request, response) => {
    response.setHeader('x-content-type-options', 'nosniff');
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
