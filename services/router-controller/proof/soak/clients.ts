/** Clients of a soak: all kinds of requests with all kinds of faults upstream, and some that leave in the middle. */
import { Agent, request as httpRequest } from 'node:http';

/** Faults of the first target where the second can still answer: nothing of the answer has gone out. */
export const BEFORE_CONTENT = [
  'refuse',
  'reset',
  'stall-before-headers',
  'headers-only',
  'garbage-sse',
  'huge-headers',
  'garbage-status',
  'status:429:1',
  'status:500',
  'error-in-stream:0',
  'cut:10',
] as const;
/** Faults after content has gone out: an honest error is right. Of a plain answer they are found in time. */
export const AFTER_CONTENT = [
  'wrong-content-length',
  'cut:900',
  'truncate:2',
  'error-in-stream:2',
  'stall-in-stream:2',
] as const;
const SLOW = ['slow-drip:30'] as const;
/** After these the first target rests for long, so they are rare. */
const RESTING = ['status:401', 'status:404'] as const;

export interface Tally {
  /** Ids of requests that were sent whole. */
  readonly sent: Set<string>;
  /** Of these, those that got an answer with a status. */
  readonly answered: Set<string>;
  /** Right requests that were answered wrongly although another target could have served them. */
  readonly failed: string[];
  /** Streams that ended with an error event, as they have to when content had gone out. */
  honestErrors: number;
  left: number;
  /** Time of the newest decision by label, `performance.now()`. */
  classifiedAt: number;
}

export const newTally = (): Tally => ({
  sent: new Set(),
  answered: new Set(),
  failed: [],
  honestErrors: 0,
  left: 0,
  classifiedAt: 0,
});

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!;

interface Plan {
  readonly body: string;
  readonly stream: boolean;
  readonly fault: string | null;
  /** Statuses that are right. */
  readonly right: readonly number[];
  /** Leaves so long after sending, ms. */
  readonly leaveMs: number | null;
}

let number = 0;

function plan(): Plan {
  const dice = Math.random();
  const leaveMs = Math.random() < 0.2 ? Math.random() * 120 : null;
  if (dice < 0.03) return { body: '{"messages": [', stream: false, fault: null, right: [400], leaveMs: null };
  if (dice < 0.05) {
    const body = JSON.stringify({ model: 'no-such-policy', messages: [{ role: 'user', content: 'hi' }] });
    return { body, stream: false, fault: null, right: [404], leaveMs: null };
  }
  const fault = pickFault(dice);
  const stream = Math.random() < 0.5;
  const long = Math.random() < 0.02 ? 'pasted text '.repeat(50_000) : '';
  const content = `${fault ? `FAULT(${fault}) ` : ''}Request ${++number}: plan a week of dinners for ${number % 9} people ${long}`;
  const tools = [{ type: 'function', function: { name: 'lookup', parameters: { type: 'object' } } }];
  const body = JSON.stringify({
    model: 'complexity_router',
    stream,
    messages: [{ role: 'user', content }],
    user: `user-${number % 50}`,
    ...(Math.random() < 0.2 && { tools }),
  });
  return { body, stream, fault, right: [200], leaveMs };
}

function pickFault(dice: number): string | null {
  if (dice < 0.052) return pick(RESTING);
  if (dice < 0.2) return pick(BEFORE_CONTENT);
  if (dice < 0.3) return pick(AFTER_CONTENT);
  return dice < 0.35 ? pick(SLOW) : null;
}

/** @returns why the answer is wrong; null: it is right. */
function judge({ right, stream, fault }: Plan, status: number, text: string, tally: Tally): string | null {
  if (!right.includes(status)) return `status ${status}: ${text.slice(0, 300)}`;
  if (status !== 200) return null;
  if (!stream) {
    try {
      return (JSON.parse(text) as { choices?: unknown[] }).choices?.length
        ? null
        : `no choices: ${text.slice(0, 200)}`;
    } catch {
      return `no JSON: ${text.slice(0, 200)}`;
    }
  }
  if (text.endsWith('data: [DONE]\n\n')) return null;
  const isError = /data: \{"error":.*\}\n\n$/s.test(text);
  if (isError && AFTER_CONTENT.some((name) => name === fault)) {
    tally.honestErrors++;
    return null;
  }
  return `a stream without its end: ${text.slice(-200)}`;
}

/** One request, however it ends. */
function once(url: string, agent: Agent, id: string, made: Plan, tally: Tally): Promise<void> {
  return new Promise((done) => {
    let leaving = false;
    const request = httpRequest(`${url}/v1/chat/completions`, {
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(made.body),
        'x-request-id': id,
      },
    });
    request.on('finish', () => tally.sent.add(id));
    request.on('response', (response) => {
      tally.answered.add(id);
      // Pinned conversations are classified too; the confidence tells.
      if (response.headers['x-llm-router-confidence'] !== undefined) tally.classifiedAt = performance.now();
      const parts: Buffer[] = [];
      response.on('data', (chunk: Buffer) => parts.push(chunk));
      response.on('error', () => {});
      response.on('close', () => {
        if (!leaving) {
          const wrong = response.complete
            ? judge(made, response.statusCode!, Buffer.concat(parts).toString(), tally)
            : 'the connection was cut';
          if (wrong) tally.failed.push(`${made.stream ? 'stream' : 'plain'} ${made.fault ?? ''}: ${wrong}`);
        }
        done();
      });
    });
    request.on('error', (error) => {
      if (!leaving) tally.failed.push(`no answer: ${error.message}`);
      done();
    });
    request.end(made.body);
    if (made.leaveMs !== null) {
      setTimeout(() => {
        if (request.closed) return;
        leaving = true;
        tally.left++;
        request.destroy();
      }, made.leaveMs);
    }
  });
}

export interface Clients {
  readonly stop: () => Promise<void>;
}

/** @param thinkMs mean pause between two requests of one client. */
export function startClients(url: string, count: number, thinkMs: number, tally: Tally): Clients {
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  let running = true;
  let serial = 0;
  const client = async () => {
    while (running) {
      await once(url, agent, `soak_${++serial}`, plan(), tally);
      await new Promise((resolve) => setTimeout(resolve, 2 * Math.random() * thinkMs));
    }
  };
  const clients = Array.from({ length: count }, client);
  return {
    stop: async () => {
      running = false;
      await Promise.all(clients);
      agent.destroy();
    },
  };
}
