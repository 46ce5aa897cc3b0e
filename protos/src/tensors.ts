/** Tensor bytes on the wire. Little-endian throughout; BYTES elements are a 4-byte length and the data. */
import type { InferTensor, ModelInferResponse, TensorContents } from './messages.ts';

/** Encodes strings or buffers as a raw BYTES tensor. */
export function encodeBytes(values: readonly (string | Uint8Array)[]): Buffer {
  const parts: Buffer[] = [];
  for (const value of values) {
    const data = typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value);
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(data.length, 0);
    parts.push(length, data);
  }
  return Buffer.concat(parts);
}

/**
 * Decodes a raw BYTES tensor.
 *
 * @param most elements that are wanted; four bytes make an element, so megabytes can hold millions.
 * @throws RangeError when a length points past the end, or there are more elements.
 */
export function decodeBytes(raw: Buffer, most = Number.POSITIVE_INFINITY): Buffer[] {
  const values: Buffer[] = [];
  for (let at = 0; at < raw.length; ) {
    if (values.length >= most) throw new RangeError(`BYTES tensor holds more than ${most} elements`);
    if (at + 4 > raw.length)
      throw new RangeError(`BYTES tensor ends inside a length, at byte ${at} of ${raw.length}`);
    const end = at + 4 + raw.readUInt32LE(at);
    if (end > raw.length) {
      throw new RangeError(`BYTES element at byte ${at} reaches to ${end}, past the end ${raw.length}`);
    }
    values.push(raw.subarray(at + 4, end));
    at = end;
  }
  return values;
}

/** Bytes per element of the fixed-size datatypes used here. */
const SIZES: Readonly<Record<string, number>> = { FP32: 4, INT32: 4, INT64: 8, FP64: 8 };

/** Encodes numbers as a raw tensor. INT64 values must be safe integers. */
export function encodeNumbers(datatype: string, values: ArrayLike<number>): Buffer {
  const size = SIZES[datatype];
  if (!size) throw new RangeError(`datatype ${datatype} can’t be encoded from numbers`);
  const raw = Buffer.allocUnsafe(values.length * size);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (datatype === 'FP32') raw.writeFloatLE(value, i * 4);
    else if (datatype === 'INT32') raw.writeInt32LE(value, i * 4);
    else if (datatype === 'FP64') raw.writeDoubleLE(value, i * 8);
    else raw.writeBigInt64LE(BigInt(value), i * 8);
  }
  return raw;
}

/** Decodes a raw tensor of numbers. */
export function decodeNumbers(datatype: string, raw: Buffer): number[] {
  const size = SIZES[datatype];
  if (!size) throw new RangeError(`datatype ${datatype} can’t be decoded to numbers`);
  if (raw.length % size !== 0)
    throw new RangeError(`${raw.length} bytes are no whole number of ${datatype} elements`);
  return Array.from({ length: raw.length / size }, (_, i) => {
    if (datatype === 'FP32') return raw.readFloatLE(i * 4);
    if (datatype === 'INT32') return raw.readInt32LE(i * 4);
    if (datatype === 'FP64') return raw.readDoubleLE(i * 8);
    return Number(raw.readBigInt64LE(i * 8));
  });
}

function typedNumbers(contents: TensorContents | null | undefined): readonly number[] {
  const lists = [
    contents?.fp32_contents,
    contents?.int_contents,
    contents?.int64_contents,
    contents?.fp64_contents,
    contents?.uint_contents,
    contents?.uint64_contents,
  ];
  return lists.find((list) => list && list.length > 0) ?? [];
}

export interface OutputValues {
  readonly tensor: InferTensor;
  /** Set for numeric datatypes. */
  readonly numbers: readonly number[];
  /** Set for BYTES. */
  readonly bytes: readonly Buffer[];
}

/**
 * Reads one output by name, whether it came raw or as typed contents. Raw contents stand in the order of `outputs`.
 *
 * @returns null when the response has no such output.
 */
export function readOutput(response: ModelInferResponse, name: string): OutputValues | null {
  const index = response.outputs.findIndex((output) => output.name === name);
  const tensor = response.outputs[index];
  if (!tensor) return null;
  const raw = response.raw_output_contents?.[index];
  if (tensor.datatype === 'BYTES') {
    const bytes = raw && raw.length > 0 ? decodeBytes(raw) : (tensor.contents?.bytes_contents ?? []);
    return { tensor, numbers: [], bytes };
  }
  const numbers = raw && raw.length > 0 ? decodeNumbers(tensor.datatype, raw) : typedNumbers(tensor.contents);
  return { tensor, numbers, bytes: [] };
}
