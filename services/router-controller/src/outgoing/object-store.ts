/** Puts objects into a store that speaks S3, signed with AWS' signature version 4. */
import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import type { ObjectStoreConfig } from '../config/schema-records.ts';
import { Outgoing } from './outgoing.ts';
import type { Try } from './patience.ts';

/** Each part of a name as S3's signature wants it: everything but unreserved characters in percent. */
const encoded = (name: string) =>
  name
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replaceAll(
        /[!'()*]/g,
        (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .join('/');

function baseOf({ endpoint, bucket, path_style }: ObjectStoreConfig): string {
  const url = new URL(endpoint);
  let path = url.pathname;
  while (path.endsWith('/')) path = path.slice(0, -1);
  return path_style ? `${url.origin}${path}/${bucket}` : `${url.protocol}//${bucket}.${url.host}${path}`;
}

export class ObjectStore {
  readonly #config: ObjectStoreConfig;
  readonly #base: string;
  readonly #outgoing: Outgoing;

  /** @throws Error where the environment names a proxy that can't be one. */
  constructor(config: ObjectStoreConfig) {
    this.#config = config;
    this.#base = baseOf(config);
    this.#outgoing = new Outgoing(this.#base, 2);
  }

  /** One try. Never rejects. */
  async put(name: string, body: Buffer, type: string, signal?: AbortSignal): Promise<Try> {
    const { region, access_key_id, secret_access_key, session_token, timeout_ms } = this.#config;
    try {
      const { url, headers } = await new AwsV4Signer({
        method: 'PUT',
        url: `${this.#base}/${encoded(name)}`,
        headers: {
          'content-type': type,
          'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
        },
        service: 's3',
        region,
        accessKeyId: access_key_id,
        secretAccessKey: secret_access_key,
        ...(session_token !== undefined && { sessionToken: session_token }),
      }).sign();
      const { status, retryAfterMs } = await this.#outgoing.send({
        method: 'PUT',
        url: url.href,
        headers: Object.fromEntries(headers),
        body,
        timeoutMs: timeout_ms,
        ...(signal && { signal }),
      });
      if (status >= 200 && status < 300) return { result: 'done' };
      return { result: 'failed', problem: `it answered ${status}`, retryAfterMs };
    } catch (error) {
      return { result: 'failed', problem: (error as Error).message };
    }
  }

  close(): Promise<void> {
    return this.#outgoing.close();
  }
}
