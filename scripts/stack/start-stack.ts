/** Brings up what compose runs, without Docker: each part after those that it calls. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LineUp } from '../../services/cli/src/processes/line-up.ts';
import { hashKey, newKey } from '../../services/router-controller/src/authenticate/index.ts';
import { loadConfig, type RouterConfig } from '../../services/router-controller/src/config/index.ts';
import { startTriton } from '../../services/triton/src/start-triton.ts';
import { ROOT } from '../parts/lib.ts';
import { freePort } from '../parts/process.ts';
import { startPrometheus } from '../parts/start-prometheus.ts';
import { startRedis } from '../parts/start-redis.ts';
import type { StackOptions } from './options.ts';

export interface Stack {
  readonly config: RouterConfig;
  readonly url: string;
  /** What callers of the router show. */
  readonly key: string;
  /** Name and address of everything that listens. */
  readonly addresses: readonly (readonly [name: string, address: string])[];
}

const REPOSITORY = join(ROOT, 'model_repository');
const addressIn = (ready: string, pattern = /ready (\S+)/) => pattern.exec(ready)![1]!;

export class StackStarter {
  readonly #options: StackOptions;
  readonly #lineUp: LineUp;
  readonly #folder = mkdtempSync(join(tmpdir(), 'llm-router-stack-'));
  readonly #addresses: [string, string][] = [];
  /** Prometheus' jobs, named as in deploy/prometheus/prometheus.yaml. */
  readonly #scrape: Record<string, string> = {};

  constructor(options: StackOptions, lineUp: LineUp) {
    this.#options = options;
    this.#lineUp = lineUp;
    lineUp.atEnd(() => rmSync(this.#folder, { recursive: true, force: true }));
  }

  /** @throws Error, or ConfigError, when a part does not start. */
  async start(): Promise<Stack> {
    const { config: file, standIns, port } = this.#options;
    const key = process.env.LLM_ROUTER_API_KEY || newKey();
    const secrets = {
      LLM_ROUTER_KEY_HASH: hashKey(key),
      REDIS_PASSWORD: process.env.REDIS_PASSWORD || randomBytes(24).toString('hex'),
    };
    // Read as the controller will read it: what is wrong with it is told before anything starts.
    const config = await loadConfig(file, {
      env: { ...process.env, ...secrets },
      overrides: standIns ? { standInUrl: 'http://127.0.0.1:1' } : {},
    });
    console.log(`configuration ${file}`);
    const env: Record<string, string> = { ...secrets };
    if (config.file.redis)
      env.REDIS_URL = process.env.REDIS_URL || (await this.#redis(secrets.REDIS_PASSWORD));
    else
      console.log('no `redis` section in the configuration: limits are in memory, and no Redis is started');
    env.LLM_ROUTER_CLASSIFIER_URL = await this.#classifier();
    if (standIns) env.LLM_ROUTER_STAND_IN_URL = await this.#standIns();
    console.log('starting the controller …');
    const url = addressIn(
      await this.#lineUp.service('router-controller', ['--config', file, '--port', String(port)], env),
    );
    this.#addresses.unshift(['router', `${url}/v1`]);
    this.#scrape['llm-router'] = `${url}/metrics`;
    await this.#prometheus();
    await this.#playground(url, key);
    return { config, url, key, addresses: this.#addresses };
  }

  #make(name: string): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder);
    return folder;
  }

  async #redis(password: string): Promise<string> {
    console.log('starting Redis …');
    const [folder, port] = [this.#make('redis'), await freePort()];
    const { url } = await this.#lineUp.server('Redis', (signal) =>
      startRedis({ folder, password, port, signal }),
    );
    this.#addresses.push(['Redis', url]);
    return url;
  }

  async #classifier(): Promise<string> {
    console.log(`starting the classifier (${this.#options.classifier}) …`);
    return this.#options.classifier === 'triton' ? this.#triton() : this.#routerServer();
  }

  async #triton(): Promise<string> {
    const [grpcPort, httpPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
    const triton = await this.#lineUp.server('Triton', (signal) =>
      startTriton({
        repository: REPOSITORY,
        grpcPort,
        httpPort,
        metricsPort,
        modelControl: 'poll',
        signal,
      }),
    );
    this.#addresses.push(['Triton gRPC', triton.grpc], ['Triton HTTP', triton.http]);
    this.#scrape.triton = triton.metrics;
    return `grpc://${triton.grpc}`;
  }

  async #routerServer(): Promise<string> {
    const args = ['--repository', REPOSITORY, '--grpc-port', '0', '--http-port', '0'];
    const ready = await this.#lineUp.service('router-server', args);
    const [grpc, http] = [addressIn(ready, /grpc (\S+)/), addressIn(ready, /http (\S+)/)];
    this.#addresses.push(['router-server gRPC', grpc], ['router-server HTTP', http]);
    this.#scrape['router-server'] = `${http}/metrics`;
    return `grpc://${grpc}`;
  }

  async #standIns(): Promise<string> {
    console.log('starting local stand-ins for the LLMs (their answers say so) …');
    const url = addressIn(await this.#lineUp.service('stand-in-llms', ['--port', '0']));
    this.#addresses.push(['stand-in LLMs', `${url}/v1`]);
    return url;
  }

  async #prometheus(): Promise<void> {
    console.log('starting Prometheus …');
    const [folder, port] = [this.#make('prometheus'), this.#options.prometheusPort || (await freePort())];
    const { url } = await this.#lineUp.server('Prometheus', (signal) =>
      startPrometheus({
        scrape: { ...this.#scrape, prometheus: `http://127.0.0.1:${port}/metrics` },
        rules: [this.#options.rules],
        intervalSeconds: this.#options.scrapeSeconds,
        port,
        folder,
        signal,
      }),
    );
    this.#addresses.push(['Prometheus', url]);
  }

  async #playground(url: string, key: string): Promise<void> {
    console.log('starting the playground …');
    const ready = await this.#lineUp.service('playground', ['--port', String(this.#options.playgroundPort)], {
      LLM_ROUTER_URL: url,
      LLM_ROUTER_API_KEY: key,
    });
    this.#addresses.push(['playground', addressIn(ready)]);
  }
}
