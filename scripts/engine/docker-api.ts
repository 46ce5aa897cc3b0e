/** Docker's Engine API over its socket, as much of it as is needed here. */
import { createReadStream } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

/** The engine refuses; the message is its own. */
export class EngineRefusal extends Error {}

export interface Image {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  /** Bytes of all its layers. */
  readonly Size: number;
}

export interface Container {
  readonly Id: string;
  readonly Names: readonly string[];
  /** Compose's own among them: `com.docker.compose.service`. */
  readonly Labels: Readonly<Record<string, string>>;
  readonly State: string;
  /** "Up 4 seconds (healthy)". */
  readonly Status: string;
}

export class DockerApi {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** @param file goes as the body. @throws EngineRefusal */
  async call(method: string, path: string, file?: string): Promise<unknown> {
    const sent = request({
      socketPath: this.#socket,
      method,
      path,
      headers: file ? { 'content-type': 'application/x-tar' } : {},
    });
    const answered = new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve).once('error', reject);
    });
    if (file) createReadStream(file).pipe(sent);
    else sent.end();
    const response = await answered;
    const body = await text(response);
    if (response.statusCode! >= 400) {
      let message = body;
      try {
        message = (JSON.parse(body) as { message: string }).message;
      } catch {
        // Not JSON: as it is.
      }
      throw new EngineRefusal(`${method} ${path.split('?')[0]}: ${message.trim()}`);
    }
    try {
      return JSON.parse(body);
    } catch {
      return body;
    }
  }

  ping = (): Promise<boolean> =>
    this.call('GET', '/_ping').then(
      () => true,
      () => false,
    );

  images = () => this.call('GET', '/images/json') as Promise<Image[]>;

  containers = () => this.call('GET', '/containers/json?all=1') as Promise<Container[]>;

  /** An image of one layer, out of a tar of a root file system. */
  async importImage(tar: string, repo: string, tag: string): Promise<void> {
    const told = String(
      await this.call('POST', `/images/create?fromSrc=-&repo=${encodeURIComponent(repo)}&tag=${tag}`, tar),
    );
    if (told.includes('"error"')) throw new EngineRefusal(`the import of ${repo}:${tag}: ${told.trim()}`);
  }

  /** Removes every container, volume and network; images stay. */
  async clear(): Promise<void> {
    for (const { Id } of await this.containers()) await this.call('DELETE', `/containers/${Id}?force=1&v=1`);
    const { Volumes } = (await this.call('GET', '/volumes')) as { Volumes: { Name: string }[] | null };
    for (const { Name } of Volumes ?? []) await this.call('DELETE', `/volumes/${Name}?force=1`);
    await this.call('POST', '/networks/prune');
  }
}
