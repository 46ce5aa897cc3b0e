/** Sends a labelled file through a running classifier, over gRPC as the controller does; whole requests are decided as there. */
import { KServeGrpcClient } from '../../../router-controller/src/decide/classify/kserve-grpc.ts';
import type { ModelDescription } from '../../../router-controller/src/decide/classify/model-client.ts';
import { cutMiddle, readLanguage } from '../../../router-controller/src/understand/index.ts';
import { type BodyDecider, type Decided, startBodyDecider } from './decide-bodies.ts';
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
 * @param config file whose policy says the rules and targets that rows with a body are decided by.
 * @throws BadRows for the file, ClassifierError for the server.
 */
export async function evaluate(
  endpoint: string,
  policy: string,
  file: string,
  config: string,
  progress: Progress,
): Promise<Scores> {
  const model = `${policy}_ensemble`;
  const client = new KServeGrpcClient(endpoint, model);
  let bodies: BodyDecider | null = null;
  try {
    const description = await describe(client, model);
    const { labels } = description;
    // Once through the file before the first call: a bad row in its last line is told at once, not after an hour.
    let total = 0;
    let withBody = 0;
    let withTarget = 0;
    for await (const row of readRows(file, policy, labels)) {
      total++;
      if ('body' in row) withBody++;
      if ('body' in row && row.targets.length > 0) withTarget++;
    }
    if (total === 0) throw new BadRows(`${file}: no row with a label for policy ${policy}`);
    if (withBody > 0) bodies = await startBodyDecider(endpoint, policy, labels, config);
    if (withTarget > 0 && !bodies!.hasTargets)
      throw new BadRows(
        `${file} names targets, but ${config} has no policy '${policy}'; name another file with --config`,
      );
    const scores = new Scores(labels);
    const prompted = async (prompt: string): Promise<Decided> => {
      const options = { deadlineMs: DEADLINE_MS };
      const { answers } = await client.infer([cutMiddle(prompt, MAX_CHARS).text], description, options);
      const { output } = answers[0]!;
      const best = indexOfMax(output);
      return {
        label: labels[best]!,
        confidence: output[best]!,
        target: null,
        language: readLanguage(prompt).language,
      };
    };
    let done = 0;
    for await (const row of readRows(file, policy, labels)) {
      const started = performance.now();
      const { label, confidence, target, language } = await ('body' in row
        ? bodies!.decide(row)
        : prompted(row.prompt));
      const ms = performance.now() - started;
      const right = 'body' in row ? row.labels : [row.label];
      // Of several that are right the one that was found, else the first.
      if (right.length > 0)
        scores.add(
          right.includes(label) ? label : right[0]!,
          label,
          confidence,
          ms,
          row.language ?? language,
        );
      if ('body' in row && row.targets.length > 0) scores.addTarget(row.targets.includes(target ?? ''));
      progress(++done, total);
    }
    return scores;
  } finally {
    client.close();
    bodies?.close();
  }
}
