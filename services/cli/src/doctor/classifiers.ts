/** Each policy's classifier: does it answer, are its labels the policy's, is it fast enough for the deadline. */
import { type Check, fail, ok, warn } from './check.ts';
import {
  checkScores,
  createModelClient,
  KServeGrpcClient,
  LabelMismatch,
  matchLabels,
  type Policy,
  PROBE_TEXT,
  type RouterConfig,
} from './parts.ts';

const WAIT_MS = 10_000;
/** Texts of different lengths, none asked twice: no cache helps. */
const TEXTS = [
  'Good morning, did you sleep well?',
  'Write a Python function that reverses a linked list and explain how long it takes.',
  'Summarise this paragraph: the committee met on Tuesday and agreed to rebuild the bridge.',
  'Which rivers flow through Vienna?',
  `Rewrite this text so that a child understands it. ${'The quick brown fox jumps over the lazy dog. '.repeat(30)}`,
];

/** @param address host:port of an embedded classifier to use in place of the policy's own; null: its own. */
export async function checkClassifier(
  policy: Policy,
  config: RouterConfig,
  address: string | null,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const endpoint of address === null ? policy.endpoints : policy.endpoints.slice(0, 1)) {
    const where = address ?? endpoint.address;
    const client =
      address === null
        ? createModelClient(endpoint, config.file.classifier.tls)
        : new KServeGrpcClient(where, endpoint.model);
    const name = `classifier of ${policy.name}`;
    const embedded = address === null ? '' : ' (embedded, as `llm-router start` does)';
    try {
      const model = await client.describe({ deadlineMs: WAIT_MS });
      checkScores(policy, matchLabels(policy, model), model);
      // A model's first answer takes longer than any after it.
      await client.infer([PROBE_TEXT], model, { deadlineMs: WAIT_MS });
      const times: number[] = [];
      for (const text of TEXTS) {
        const began = performance.now();
        await client.infer([text], model, { deadlineMs: WAIT_MS });
        times.push(performance.now() - began);
      }
      times.sort((a, b) => a - b);
      checks.push(speed(name, `${endpoint.model} at ${where}${embedded}`, model.size, times, config));
    } catch (error) {
      const message = (error as Error).message;
      checks.push(
        error instanceof LabelMismatch
          ? fail(name, message, 'give every label an entry of its own, or the policy a fallback')
          : fail(
              name,
              `${endpoint.model} at ${where} does not answer: ${message}`,
              'start it (`llm-router triton`, or `llm-router start`, which brings one), or mend the policy’s url',
            ),
      );
    } finally {
      client.close();
    }
  }
  return checks;
}

function speed(
  name: string,
  what: string,
  labels: number,
  times: readonly number[],
  { file }: RouterConfig,
): Check {
  const median = times[Math.floor(times.length / 2)]!;
  const longest = times.at(-1)!;
  const deadline = file.classifier.deadline_ms;
  const found = `${what}: ${labels} labels agree, ${median.toFixed(0)} ms a prompt, ${longest.toFixed(0)} ms the longest`;
  return longest <= deadline
    ? ok(name, found)
    : warn(
        name,
        `${found}; classifier.deadline_ms is ${deadline}`,
        'slower than the deadline, prompts go to the fallback entry: give it more time, or a faster machine',
      );
}
