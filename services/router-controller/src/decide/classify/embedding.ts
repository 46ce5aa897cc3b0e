/** An embedding as the decision log keeps it: half precision, which tells a head as much, in a quarter of the characters that digits take. */
import type { PromptEmbedding } from '../../request.ts';

/** Numbers of which no line is made: no encoder that is served here gives as many. */
const MOST = 4_096;

/** @param of what names the encoder. @returns undefined for what is no embedding, or too long for a log */
export function embeddingFor(
  of: string | undefined,
  values: ArrayLike<number> | null | undefined,
): PromptEmbedding | undefined {
  if (!of || !values || values.length === 0 || values.length > MOST) return undefined;
  const halves = Float16Array.from(values);
  return { of, f16: Buffer.from(halves.buffer).toString('base64') };
}
