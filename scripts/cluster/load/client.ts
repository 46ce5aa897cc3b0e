/**
 * A client in the cluster: asks at a steady rate, whatever the answers take, each prompt another one, every second one as a
 * stream, and writes a line of JSON for each request (see `Line`). Runs in a pod that has Node and nothing of ours.
 * Environment: ROUTER_URL, RATE a second, SECONDS at most, ROUTER_KEY (optional). Ends on SIGTERM, when the last is answered.
 */

/** How a request went. */
export interface Line {
  /** When it was sent, ms since 1970. */
  readonly at: number;
  /** Until the first byte of the answer's body; null when there was none. */
  readonly firstMs: number | null;
  readonly ms: number;
  readonly stream: boolean;
  /** lost: no answer, or one that is none; cut: an answer that broke off. */
  readonly outcome: 'answered' | 'lost' | 'cut';
  /** Of the HTTP answer; 0: none. */
  readonly status: number;
  /** Why the router chose as it did. */
  readonly reason: string;
  readonly detail: string;
}

const { ROUTER_URL, RATE, SECONDS, ROUTER_KEY } = process.env;
const rate = Number(RATE);
const seconds = Number(SECONDS);
if (!ROUTER_URL || !(rate > 0 && rate <= 100) || !(seconds > 0 && seconds <= 3_600))
  throw new Error('ROUTER_URL, RATE (to 100 a second) and SECONDS (to 3600) are needed');
/** Longer than any answer of the stand-ins takes. */
const LONGEST_MS = 60_000;
const WORK = [
  'Write a poem about',
  'Fix this loop:',
  'Summarize the story of',
  'What is the capital of',
  'Sort into kinds:',
];

const message = (error: unknown) => {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  return `${name} ${cause?.code ?? cause?.message ?? message}`.slice(0, 200);
};

async function ask(number: number): Promise<Line> {
  const at = Date.now();
  const stream = number % 2 === 0;
  const seen = { firstMs: null as number | null, status: 0, reason: '', text: '' };
  const line = (outcome: Line['outcome'], detail: string): Line => {
    const { firstMs, status, reason } = seen;
    return { at, firstMs, ms: Date.now() - at, stream, outcome, status, reason, detail };
  };
  try {
    const answer = await fetch(`${ROUTER_URL}/v1/chat/completions`, {
      method: 'POST',
      signal: AbortSignal.timeout(LONGEST_MS),
      headers: {
        'content-type': 'application/json',
        ...(ROUTER_KEY && { authorization: `Bearer ${ROUTER_KEY}` }),
      },
      body: JSON.stringify({
        model: 'task_router',
        stream,
        messages: [{ role: 'user', content: `${WORK[number % WORK.length]} ${number} ${Math.random()}` }],
      }),
    });
    seen.status = answer.status;
    seen.reason = answer.headers.get('x-llm-router-reason') ?? '';
    const decoder = new TextDecoder();
    for await (const bytes of answer.body ?? []) {
      seen.firstMs ??= Date.now() - at;
      seen.text += decoder.decode(bytes, { stream: true });
    }
  } catch (error) {
    return line(seen.firstMs === null ? 'lost' : 'cut', message(error));
  }
  if (seen.status !== 200) return line('lost', seen.text.slice(0, 200));
  if (stream)
    return seen.text.includes('data: [DONE]') ? line('answered', '') : line('cut', seen.text.slice(-200));
  try {
    JSON.parse(seen.text);
    return line('answered', '');
  } catch {
    return line('cut', seen.text.slice(-200));
  }
}

let sent = 0;
let stopping = false;
process.once('SIGTERM', () => {
  stopping = true;
});
const started = Date.now();
const ticker = setInterval(() => {
  const elapsed = (Date.now() - started) / 1_000;
  if (stopping || elapsed > seconds) {
    clearInterval(ticker);
    return;
  }
  for (; sent < elapsed * rate; sent++) {
    void ask(sent).then((line) => {
      console.log(JSON.stringify(line));
    });
  }
}, 10);
