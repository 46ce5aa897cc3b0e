/** What the stack's test sends: streams and plain calls, of several tenants, to targets that work and that do not. */
import { setTimeout as sleep } from 'node:timers/promises';

const PROMPTS = [
  'Write a Python function that reverses a linked list.',
  'Give me ten ideas for a birthday party for a seven-year-old who loves dinosaurs.',
  'Rewrite this sentence so that it sounds more formal: hey, gimme the report by noon ok?',
  'Summarize the following minutes in one paragraph: the committee met on Tuesday.',
  'What is the capital of Australia?',
];

export interface Sent {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** One chat request. @param routed the body beside its messages. */
export async function chat(
  url: string,
  key: string | null,
  routed: object,
  prompt = PROMPTS[0]!,
): Promise<Sent> {
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ ...routed, messages: [{ role: 'user', content: prompt }] }),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** A target by name, whatever the prompt. */
export const manual = (model: string) => ({
  'nim-llm-router': { policy: 'task_router', routing_strategy: 'manual', model },
});

/** Sends until it is told to stop. @returns how many answers had each status. */
export async function traffic(
  url: string,
  keys: readonly string[],
  broken: readonly string[],
  signal: AbortSignal,
): Promise<Map<number, number>> {
  const answers = new Map<number, number>();
  for (let n = 0; !signal.aborted; n++) {
    const wrong = n % 5 === 4 ? broken[Math.floor(n / 5) % broken.length] : undefined;
    const routed = wrong ? manual(wrong) : { model: n % 3 ? 'task_router' : 'complexity_router' };
    const { status } = await chat(
      url,
      keys[n % keys.length]!,
      { ...routed, stream: n % 2 === 0 },
      `${PROMPTS[n % PROMPTS.length]} (${n})`,
    );
    answers.set(status, (answers.get(status) ?? 0) + 1);
    await sleep(100);
  }
  return answers;
}
