/** Clients of the limits’ proof: streams and plain answers, some of them left in the middle. */
import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Pause of each of 64 clients: they ask for some three times what the limit grants (50 a second). More would show nothing else, and
 * keep the machine so busy with refusals that a limit might not be used up.
 */
export const PAUSE_MS = 400;
/** Of the few who are far from any limit. */
export const CALM_PAUSE_MS = 160;

export interface Load {
  /** Key, which is also the tenant. */
  readonly key: string;
  readonly clients: number;
  /** Ends the load; told how many requests were begun. */
  readonly until: (begun: number) => boolean;
  readonly streams?: number;
  /** Share of requests whose client leaves within 60 ms. */
  readonly leave?: number;
  /** Pause after each answer. */
  readonly pauseMs?: number;
  /** Put into the prompt, for a stand-in's fault. */
  readonly prompt?: string;
}

export interface LoadResult {
  begun: number;
  granted: number;
  refused: number;
  left: number;
  /** Neither an answer nor an honest refusal. */
  readonly failed: string[];
  readonly ms: number[];
  /** Of the first request's begin and the last grant, `performance.now()`. */
  firstAt: number;
  lastGrantAt: number;
}

interface Answer {
  readonly status: number | 'left' | 'broken';
  readonly detail: string;
}

function ask(url: string, agent: Agent, key: string, body: string, leaveMs: number | null): Promise<Answer> {
  return new Promise((resolve) => {
    let leaving = false;
    const request = httpRequest(`${url}/v1/chat/completions`, {
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        authorization: `Bearer ${key}`,
      },
    });
    const ended = (detail: string) => resolve({ status: leaving ? 'left' : 'broken', detail });
    request.on('error', (error) => ended(error.message));
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', (error) => ended(error.message));
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        if (response.statusCode === 200 && !text.includes('"choices"')) ended(text.slice(0, 200));
        resolve({ status: response.statusCode!, detail: text.slice(0, 200) });
      });
    });
    request.end(body);
    if (leaveMs !== null) {
      setTimeout(() => {
        if (request.closed) return;
        leaving = true;
        request.destroy();
        // A refusal may have come already.
        setTimeout(ended, 50, 'left');
      }, leaveMs);
    }
  });
}

/** @param urls controllers, asked in turn. */
export async function run(urls: readonly string[], load: Load): Promise<LoadResult> {
  const { key, clients, until, streams = 0.5, leave = 0, pauseMs = 0, prompt = '' } = load;
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const result: LoadResult = {
    begun: 0,
    granted: 0,
    refused: 0,
    left: 0,
    failed: [],
    ms: [],
    firstAt: performance.now(),
    lastGrantAt: 0,
  };
  const client = async () => {
    while (!until(result.begun)) {
      const number = ++result.begun;
      const body = JSON.stringify({
        model: 'manual',
        'nim-llm-router': { policy: 'proof', routing_strategy: 'manual', model: 'Any' },
        stream: Math.random() < streams,
        max_tokens: 8 + (number % 200),
        messages: [
          { role: 'user', content: `${prompt}Request ${number}${' and so on'.repeat(number % 60)}` },
        ],
      });
      const leaveMs = Math.random() < leave ? Math.random() * 60 : null;
      const started = performance.now();
      const { status, detail } = await ask(urls[number % urls.length]!, agent, key, body, leaveMs);
      const ended = performance.now();
      if (status === 'left') result.left++;
      else {
        result.ms.push(ended - started);
        if (status === 200) {
          result.granted++;
          result.lastGrantAt = ended;
        } else if (status === 429) result.refused++;
        else result.failed.push(`${status}: ${detail}`);
      }
      if (pauseMs > 0) await sleep(pauseMs * (0.5 + Math.random()));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  agent.destroy();
  return result;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
