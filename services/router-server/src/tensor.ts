/** A tensor in memory, batch dimension first. */

export type TensorData = readonly Buffer[] | Float32Array | Int32Array | BigInt64Array;

export interface Tensor {
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export type Tensors = ReadonlyMap<string, Tensor>;

export const elements = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);

/** Elements in one row: all dimensions but the first. */
const rowSize = (tensor: Tensor) => elements(tensor.shape.slice(1));

/** Joins tensors of equal row shape along the batch dimension. */
export function concat(tensors: readonly Tensor[]): Tensor {
  const [head] = tensors;
  if (!head) throw new RangeError('nothing to join');
  if (tensors.length === 1) return head;
  const rows = tensors.reduce((sum, tensor) => sum + tensor.shape[0]!, 0);
  const shape = [rows, ...head.shape.slice(1)];
  if (Array.isArray(head.data)) {
    return { datatype: head.datatype, shape, data: tensors.flatMap((tensor) => tensor.data as Buffer[]) };
  }
  const typed = head.data as Float32Array | Int32Array | BigInt64Array;
  const joined = new (typed.constructor as new (length: number) => Float32Array)(elements(shape));
  let at = 0;
  for (const { data } of tensors) {
    joined.set(data as Float32Array, at);
    at += data.length;
  }
  return { datatype: head.datatype, shape, data: joined };
}

/** Rows `from` to `to` of a tensor. */
export function slice(tensor: Tensor, from: number, to: number): Tensor {
  const size = rowSize(tensor);
  const data = tensor.data.slice(from * size, to * size) as TensorData;
  return { datatype: tensor.datatype, shape: [to - from, ...tensor.shape.slice(1)], data };
}

/** Equal keys may be joined: same inputs, types and row shapes. */
export function shapeKey(inputs: Tensors): string {
  return [...inputs]
    .map(([name, { datatype, shape }]) => `${name}:${datatype}:${shape.slice(1).join('x')}`)
    .join('|');
}
