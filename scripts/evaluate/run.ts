/** Sends a labelled file through a running classifier, over gRPC as the controller does. */
import { KServeGrpcClient } from '../../services/router-controller/src/decide/classify/kserve-grpc.ts';
import type { ModelDescription } from '../../services/router-controller/src/decide/classify/model-client.ts';
import { cutMiddle } from '../../services/router-controller/src/understand/index.ts';
import { BadRows, readRows } from './rows.ts';
import { Scores } from './scores.ts';

/** Far more than the classifier reads of a text; rows beyond what one gRPC message holds lose their middle here already. */
const MAX_CHARS = 1_000_000;
const DEADLINE_MS = 60_000;

export type Progress = (done: number, of: number) => void;

function indexOfMax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

async function describe(
  client: KServeGrpcClient,
  model: string,
): Promise<ModelDescription & { labels: readonly string[] }> {
  const description = await client.describe({ deadlineMs: DEADLINE_MS });
  const { labels } = description;
  if (labels === null)
    throw new BadRows(`model ${model} publishes no labels; a label file beside its head is needed`);
  return { ...description, labels };
}

/**
 * @param endpoint host:port of a KServe v2 gRPC server.
 * @throws BadRows for the file, ClassifierError for the server.
 */
export async function evaluate(
  endpoint: string,
  policy: string,
  file: string,
  progress: Progress,
): Promise<Scores> {
  const model = `${policy}_ensemble`;
  const client = new KServeGrpcClient(endpoint, model);
  try {
    const description = await describe(client, model);
    // Once through the file before the first call: a bad row in its last line is told at once, not after an hour.
    let total = 0;
    for await (const _ of readRows(file, policy, description.labels)) total++;
    if (total === 0) throw new BadRows(`${file}: no row with a label for policy ${policy}`);
    const scores = new Scores(description.labels);
    let done = 0;
    for await (const { prompt, label } of readRows(file, policy, description.labels)) {
      const started = performance.now();
      const { answers } = await client.infer([cutMiddle(prompt, MAX_CHARS).text], description, {
        deadlineMs: DEADLINE_MS,
      });
      const { output } = answers[0]!;
      const best = indexOfMax(output);
      scores.add(label, description.labels[best]!, output[best]!, performance.now() - started);
      progress(++done, total);
    }
    return scores;
  } finally {
    client.close();
  }
}
