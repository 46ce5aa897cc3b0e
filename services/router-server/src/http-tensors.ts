/**
 * An inference on the wire of HTTP: JSON, or a JSON head with the tensors' bytes behind it (the binary tensor data
 * extension, which Triton's own client sends and asks for unless told otherwise).
 */
import { InferError } from './errors.ts';
import { parseObject } from './http-body.ts';
import type { InferAnswer, InputTensor, OutputWish } from './infer.ts';
import type { Tensor, TensorData } from './tensor.ts';
import { fromRaw, toRaw } from './tensor-bytes.ts';

/** Length of the JSON head in bytes, where bytes follow it; in requests and in answers. */
export const HEAD_LENGTH = 'inference-header-content-length';

const bad = (message: string) => new InferError('INVALID_ARGUMENT', message);

type Fields = Record<string, unknown>;

export interface HttpInference {
  readonly id: string | null;
  readonly inputs: readonly InputTensor[];
  readonly outputs: readonly OutputWish[];
  /** Whether an output goes as bytes. */
  readonly isBinary: (output: string) => boolean;
}

function fieldsOf(value: unknown, where: string): Fields {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw bad(`${where} must be an object`);
  return value as Fields;
}

function flag(parameters: Fields, name: string, where: string): boolean | undefined {
  const value = parameters[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw bad(`${where}: ${name} must be true or false`);
}

function refuseShared(parameters: Fields, where: string): void {
  if (parameters.shared_memory_region !== undefined)
    throw new InferError('UNIMPLEMENTED', `${where}: shared memory is not served here; send the data`);
}

/** JSON data may be flat or nested by dimension; both are row-major. */
function fromJson(datatype: string, name: string, data: unknown): TensorData {
  if (!Array.isArray(data)) throw bad(`input '${name}': data must be an array`);
  const flat = (data as unknown[]).flat(8);
  if (datatype === 'BYTES') {
    return flat.map((value) => {
      if (typeof value !== 'string')
        throw bad(`input '${name}': BYTES data must be strings, got ${typeof value}`);
      return Buffer.from(value, 'utf8');
    });
  }
  if (flat.some((value) => typeof value !== 'number'))
    throw bad(`input '${name}': ${datatype} data must be numbers`);
  const numbers = flat as number[];
  if (datatype === 'FP32') return Float32Array.from(numbers);
  if (numbers.some((value) => !Number.isSafeInteger(value)))
    throw bad(`input '${name}': ${datatype} data must be whole numbers`);
  if (datatype === 'INT32') return Int32Array.from(numbers);
  if (datatype === 'INT64') return BigInt64Array.from(numbers, BigInt);
  throw bad(`input '${name}': datatype ${datatype} is not served here`);
}

/** The JSON head and the bytes behind it. */
function parts(body: Buffer, headLength: string | undefined): [head: Fields, rest: Buffer] {
  if (headLength === undefined) return [parseObject(body), Buffer.alloc(0)];
  const length = /^\d{1,10}$/.test(headLength) ? Number(headLength) : Number.NaN;
  if (!(length <= body.length))
    throw bad(
      `Inference-Header-Content-Length is '${headLength}'; it must be the JSON's length, within the body's ${body.length} bytes`,
    );
  return [parseObject(body.subarray(0, length)), body.subarray(length)];
}

/** @param rest bytes of the binary inputs, one behind the other in the order of the inputs. */
function inputsOf(head: Fields, rest: Buffer): InputTensor[] {
  if (!Array.isArray(head.inputs)) throw bad("'inputs' must be an array of tensors");
  let at = 0;
  const inputs = head.inputs.map((input: Fields | null, index): InputTensor => {
    const { name, datatype, shape, data } = input ?? {};
    if (typeof name !== 'string' || typeof datatype !== 'string' || !Array.isArray(shape))
      throw bad(`inputs[${index}] must have name, datatype, shape and data`);
    const where = `input '${name}'`;
    const parameters = fieldsOf(input?.parameters, `${where}: parameters`);
    refuseShared(parameters, where);
    const dims = shape.map(Number);
    const size = parameters.binary_data_size;
    if (size === undefined) return { name, datatype, shape: dims, data: fromJson(datatype, name, data) };
    if (data !== undefined) throw bad(`${where}: has both data and binary_data_size; send one`);
    if (!Number.isSafeInteger(size) || (size as number) < 0 || (size as number) > rest.length - at)
      throw bad(
        `${where}: binary_data_size is ${JSON.stringify(size)}, but ${rest.length - at} bytes are left behind the JSON`,
      );
    const raw = rest.subarray(at, at + (size as number));
    at += size as number;
    return { name, datatype, shape: dims, data: fromRaw(name, datatype, dims, raw) };
  });
  if (at !== rest.length)
    throw bad(
      `${rest.length - at} bytes behind the JSON belong to no input; each wants its binary_data_size`,
    );
  return inputs;
}

/** @throws InferError when it is not a request for an inference. */
export function readInference(body: Buffer, headLength: string | undefined): HttpInference {
  const [head, rest] = parts(body, headLength);
  const inputs = inputsOf(head, rest);
  const all = flag(fieldsOf(head.parameters, 'parameters'), 'binary_data_output', 'parameters') ?? false;
  const binary = new Map<string, boolean>();
  const outputs = head.outputs ?? [];
  if (!Array.isArray(outputs)) throw bad("'outputs' must be an array");
  const wishes = outputs.map((output: Fields | null, index): OutputWish => {
    const name = output?.name;
    if (typeof name !== 'string') throw bad(`outputs[${index}] must have a name`);
    const where = `output '${name}'`;
    const parameters = fieldsOf(output?.parameters, `${where}: parameters`);
    refuseShared(parameters, where);
    binary.set(name, flag(parameters, 'binary_data', where) ?? all);
    return { name, classification: Number(parameters.classification ?? 0) };
  });
  return {
    id: typeof head.id === 'string' ? head.id : null,
    inputs,
    outputs: wishes,
    isBinary: (output) => binary.get(output) ?? all,
  };
}

function toJson({ datatype, data }: Tensor): unknown[] {
  if (datatype === 'BYTES') return (data as Buffer[]).map((value) => value.toString('utf8'));
  return datatype === 'INT64' ? Array.from(data as BigInt64Array, Number) : Array.from(data as Float32Array);
}

/** @returns the body, and the length of its JSON where bytes follow. */
export function writeAnswer(
  { model, outputs }: InferAnswer,
  { id, isBinary }: HttpInference,
): { body: Buffer; headLength: number | null } {
  const behind: Buffer[] = [];
  const head = {
    model_name: model.config.name,
    model_version: model.version,
    ...(id !== null && { id }),
    // Of an ensemble in Triton, and v1's controller insists on them.
    parameters: { sequence_id: 0, sequence_start: false, sequence_end: false },
    outputs: outputs.map((tensor) => {
      const { name, datatype, shape } = tensor;
      if (!isBinary(name)) return { name, datatype, shape, data: toJson(tensor) };
      const raw = toRaw(tensor);
      behind.push(raw);
      return { name, datatype, shape, parameters: { binary_data_size: raw.length } };
    }),
  };
  const json = Buffer.from(JSON.stringify(head));
  return { body: Buffer.concat([json, ...behind]), headLength: behind.length > 0 ? json.length : null };
}
