/** Tensors as raw bytes, little-endian and row-major, as gRPC and the binary extension of HTTP carry them. */
import { decodeBytes, encodeBytes } from '@llm-router/protos';
import { InferError } from './errors.ts';
import { elements, type Tensor, type TensorData } from './tensor.ts';

/** Elements of one BYTES tensor: four bytes on the wire make one, so a limit in bytes alone would let millions in. */
export const MAX_ELEMENTS = 500_000;

const TYPED = { FP32: Float32Array, INT32: Int32Array, INT64: BigInt64Array } as const;

const bad = (message: string) => new InferError('INVALID_ARGUMENT', message);

/** @throws InferError when the bytes are not whole elements, or more than the shape wants. */
export function fromRaw(name: string, datatype: string, shape: readonly number[], raw: Buffer): TensorData {
  if (datatype === 'BYTES') {
    try {
      return decodeBytes(raw, Math.min(MAX_ELEMENTS, Math.max(0, elements(shape))));
    } catch (error) {
      throw bad(`input '${name}': ${(error as Error).message}`);
    }
  }
  const type = TYPED[datatype as keyof typeof TYPED];
  if (!type) throw bad(`input '${name}': datatype ${datatype} is not served here`);
  if (raw.length % type.BYTES_PER_ELEMENT !== 0)
    throw bad(`input '${name}': ${raw.length} bytes are no whole number of ${datatype} elements`);
  // A copy, because views want their bytes aligned.
  return new type(Uint8Array.from(raw).buffer);
}

export function toRaw({ datatype, data }: Tensor): Buffer {
  if (datatype === 'BYTES') return encodeBytes(data as Buffer[]);
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return Buffer.from(buffer, byteOffset, byteLength);
}
