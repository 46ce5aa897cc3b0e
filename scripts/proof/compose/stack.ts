/** The running compose project as the checks see it: commands, containers, requests. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { DockerApi } from '../../engine/docker-api.ts';
import type { Orders } from './report.ts';

const WAIT_MS = 180_000;
const REQUEST_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

interface Inspected {
  readonly Id: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Pid: number;
    readonly Running: boolean;
    readonly Health?: { readonly Status: string };
  };
}

/** Waits for something that takes a moment. @throws Error that says what did not come. */
export async function until(what: string, holds: () => Promise<boolean>, ms = WAIT_MS): Promise<void> {
  for (const end = Date.now() + ms; !(await holds().catch(() => false)); await sleep(250))
    if (Date.now() > end) throw new Error(`within ${ms / 1000} s not: ${what}`);
}

export class Stack {
  readonly orders: Orders;
  readonly api: DockerApi;
  requests = 0;
  failed = 0;
  /** Answers that were not what they should have been, for whoever reads on. */
  readonly wrong: string[] = [];

  constructor(orders: Orders) {
    this.orders = orders;
    this.api = new DockerApi(orders.socket);
  }

  get key(): string {
    return this.orders.env.LLM_ROUTER_API_KEY!;
  }

  /** `docker compose …` in the project's folder. @returns its standard output. @throws Error with what it said. */
  compose(...args: string[]): Promise<string> {
    return this.composeWith({}, ...args);
  }

  /** The same with variables in place of .env's. */
  async composeWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<string> {
    // The load generator is a job: `up --wait` would take its end for a failure. `run` starts it whatever the profiles.
    const lasting = this.orders.profiles.filter((profile) => profile !== 'loadtest');
    const profiles = lasting.flatMap((profile) => ['--profile', profile]);
    const { stdout } = await promisify(execFile)(this.orders.compose, [...profiles, ...args], {
      cwd: this.orders.folder,
      maxBuffer: 64 * 1024 * 1024,
      env: {
        PATH: process.env.PATH,
        HOME: this.orders.folder,
        DOCKER_HOST: `unix://${this.orders.socket}`,
        // In place of .env's: the profiles are given above.
        COMPOSE_PROFILES: '',
        ...env,
      },
    }).catch((error: { stderr?: string; message: string }) => {
      const said = (error.stderr ?? error.message).trimEnd().split('\n').slice(-15).join('\n');
      throw new Error(`compose ${args.join(' ')}: ${said}`);
    });
    return stdout;
  }

  /** Ids of a service's containers. */
  async containersOf(service: string): Promise<string[]> {
    const all = await this.api.containers();
    return all.filter(({ Labels }) => Labels['com.docker.compose.service'] === service).map(({ Id }) => Id);
  }

  async inspect(service: string): Promise<Inspected> {
    const [id] = await this.containersOf(service);
    return (await this.api.call('GET', `/containers/${id}/json`)) as Inspected;
  }

  /** Names of the services that have a container. */
  async services(): Promise<string[]> {
    const told = await this.compose('ps', '--all', '--services');
    return told.trim().split('\n').filter(Boolean).sort();
  }

  async isHealthy(service: string): Promise<boolean> {
    const { State } = await this.inspect(service);
    return State.Running && (State.Health ? State.Health.Status === 'healthy' : true);
  }

  /**
   * Kills a service's first process as the kernel would, not as `docker kill`, after which an engine starts nothing again.
   * Waits until its container is back and healthy.
   *
   * @param meanwhile is called again and again until then.
   */
  async killAndWait(service: string, meanwhile: () => Promise<void> = () => sleep(250)): Promise<void> {
    const before = await this.inspect(service);
    process.kill(before.State.Pid, 'SIGKILL');
    const back = async () => {
      const now = await this.inspect(service);
      return now.RestartCount > before.RestartCount && (await this.isHealthy(service));
    };
    for (const end = Date.now() + WAIT_MS; !(await back()); await meanwhile())
      if (Date.now() > end) throw new Error(`${service} was killed and did not come back healthy`);
  }

  url = (path: string, port = this.orders.env.ROUTER_PORT!) => `http://127.0.0.1:${port}${path}`;

  /** One request, uncounted. */
  async fetch(url: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_MS) });
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  /**
   * One chat completion, counted; an answer that is not as expected is counted as failed.
   *
   * @param expected tells what is wrong with an answer, or null.
   */
  async chat(
    body: object,
    expected: (answer: Answer) => string | null,
    { key = this.key, port }: { key?: string | null; port?: string } = {},
  ): Promise<Answer | null> {
    this.requests++;
    const number = this.requests;
    const content = `Write a Python function that adds ${number} to its argument.`;
    let problem: string | null;
    let answer: Answer | null = null;
    try {
      answer = await this.fetch(this.url('/v1/chat/completions', port), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
        body: JSON.stringify({ model: 'task_router', messages: [{ role: 'user', content }], ...body }),
      });
      problem = expected(answer);
    } catch (error) {
      problem = `no answer: ${(error as Error).cause ?? error}`;
    }
    if (problem) {
      this.failed++;
      this.wrong.push(`request ${number}: ${problem}`);
    }
    return answer;
  }

  read = (path: string) => readFileSync(path, 'utf8');
}

/** It has been answered by a model. */
export const completed = ({ status, text }: Answer): string | null => {
  if (status !== 200) return `${status} ${text.slice(0, 200)}`;
  return /"finish_reason":\s*"stop"/.test(text) ? null : `no end in ${text.slice(-200)}`;
};

/** And the classifier has said what it is. */
export const classified = (answer: Answer): string | null =>
  completed(answer) ??
  (answer.headers.get('x-llm-router-label') === 'Code Generation'
    ? null
    : `label ${answer.headers.get('x-llm-router-label')}, reason ${answer.headers.get('x-llm-router-reason')}`);

/** A stream, whole to its last event. */
export const streamed = (answer: Answer): string | null =>
  answer.status !== 200
    ? `${answer.status} ${answer.text.slice(0, 200)}`
    : answer.text.trimEnd().endsWith('data: [DONE]')
      ? null
      : `a cut stream: ${answer.text.slice(-100)}`;
