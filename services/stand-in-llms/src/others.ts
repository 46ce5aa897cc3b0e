/** What stand-ins answer on endpoints that are no conversation: small, the same for the same request, of the right shape. */

export interface OtherAnswer {
  readonly type: string;
  readonly body: Buffer;
}

const json = (value: unknown): OtherAnswer => ({
  type: 'application/json',
  body: Buffer.from(JSON.stringify(value)),
});

const DIMENSIONS = 8;

/** Numbers from a text, in [-1, 1]. */
function vectorOf(text: string): number[] {
  const vector = Array<number>(DIMENSIONS).fill(0);
  for (let at = 0; at < text.length; at++) vector[at % DIMENSIONS]! += (text.charCodeAt(at) % 17) / 16;
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

interface EmbeddingRequest {
  readonly model?: unknown;
  readonly input?: unknown;
  readonly encoding_format?: unknown;
}

function embeddings({ model, input, encoding_format }: EmbeddingRequest): OtherAnswer {
  const texts = (Array.isArray(input) && !input.every(Number.isInteger) ? input : [input]).map(String);
  const data = texts.map((text, index) => {
    const vector = vectorOf(text);
    const embedding =
      encoding_format === 'base64'
        ? Buffer.from(Float32Array.from(vector).buffer).toString('base64')
        : vector;
    return { object: 'embedding', index, embedding };
  });
  const tokens = texts.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);
  return json({ object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } });
}

/** A picture of one dot. */
const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** The answer of a POST to this path; null: there is no such endpoint. */
export function otherAnswer(path: string, raw: Buffer): OtherAnswer | null {
  const body = () => JSON.parse(raw.toString('utf8')) as Record<string, unknown>;
  if (path.endsWith('/embeddings')) return embeddings(body());
  if (path.endsWith('/moderations')) {
    const result = { flagged: false, categories: {}, category_scores: {}, category_applied_input_types: {} };
    return json({ id: 'modr-standin', model: body().model, results: [result] });
  }
  if (path.endsWith('/audio/speech'))
    return { type: 'audio/mpeg', body: Buffer.from([0xff, 0xfb, 0x90, 0x00]) };
  if (path.endsWith('/audio/transcriptions'))
    return json({ text: `This is a stand-in; it heard ${raw.length} bytes.` });
  if (path.endsWith('/images/generations'))
    return json({ created: 1_700_000_000, data: [{ b64_json: DOT }] });
  return null;
}
