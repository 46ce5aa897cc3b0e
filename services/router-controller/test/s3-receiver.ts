/** A store that speaks as much of S3 as is put into it, and takes nothing that is not signed right (AWS signature version 4). */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SignedRequest {
  readonly method: string;
  /** Path as it was sent, in its encoding. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest();

const FORM =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

/** By AWS' description of the scheme, from what was received. @returns what is wrong; null: nothing */
export function signatureProblem(
  { method, path, headers, body }: SignedRequest,
  key: { readonly id: string; readonly secret: string; readonly region: string },
): string | null {
  const found = FORM.exec(headers.authorization ?? '');
  if (!found) return 'no signature of version 4';
  const [, id, day, region, signed, signature] = found as unknown as string[];
  const date = headers['x-amz-date'] ?? '';
  if (id !== key.id) return 'another key';
  if (region !== key.region) return 'another region';
  if (!date.startsWith(day!)) return 'another day';
  if (headers['x-amz-content-sha256'] !== sha256(body)) return 'another body';
  const names = signed!.split(';');
  for (const needed of ['host', 'x-amz-date', 'x-amz-content-sha256'])
    if (!names.includes(needed)) return `${needed} is not signed`;
  const canonical = [
    method,
    path,
    '',
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replaceAll(/\s+/g, ' ')}`),
    '',
    signed,
    headers['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const signing = [region!, 's3', 'aws4_request'].reduce<Buffer>(
    (made, part) => hmac(made, part),
    hmac(`AWS4${key.secret}`, day!),
  );
  return hmac(signing, text).toString('hex') === signature ? null : 'another signature';
}

export const S3_KEY = {
  id: 'AKIAOFTHETESTS000000',
  secret: 'secret/of+the=tests0123456789abcdefghijkl',
  region: 'eu-central-1',
};

/** @param answer takes a request in place of the store; true: it has. */
export async function startS3(answer: (response: ServerResponse, count: number) => boolean = () => false) {
  const objects = new Map<string, { readonly body: Buffer; readonly type: string }>();
  const problems: string[] = [];
  let count = 0;
  let act = answer;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const path = request.url ?? '';
    const headers = request.headers as Record<string, string>;
    if (act(response, ++count)) return;
    const problem = signatureProblem({ method: request.method ?? '', path, headers, body }, S3_KEY);
    if (problem !== null || request.method !== 'PUT') {
      problems.push(problem ?? String(request.method));
      response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code></Error>');
      return;
    }
    objects.set(decodeURIComponent(path), { body, type: headers['content-type'] ?? '' });
    response.writeHead(200, { etag: '"1"' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    problems,
    asked: () => count,
    answerBy: (next: typeof answer) => {
      act = next;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
