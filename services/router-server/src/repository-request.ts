/** What a client may say besides the name when it loads or unloads a model. */
import { InferError } from './errors.ts';

const bad = (message: string) => new InferError('INVALID_ARGUMENT', message);

function fieldsOf(parameters: unknown): Record<string, unknown> {
  if (parameters === undefined || parameters === null) return {};
  if (typeof parameters !== 'object' || Array.isArray(parameters)) throw bad('parameters must be an object');
  return parameters as Record<string, unknown>;
}

/**
 * A configuration or files that come with the request are Triton's way to serve what is not in the folder. Here the
 * folder is the one truth, and what asks for another is told so.
 */
export function checkLoad(model: string, parameters: unknown): void {
  for (const name of Object.keys(fieldsOf(parameters))) {
    if (name === 'config' || name.startsWith('file:'))
      throw new InferError(
        'UNIMPLEMENTED',
        `load of '${model}': ${name === 'config' ? 'a configuration' : 'files'} of the request can’t be served here; ` +
          `change ${model}/config.pbtxt in the model repository and load it without parameters`,
      );
    throw bad(`load of '${model}': unknown parameter '${name}'; Triton knows config and file:PATH`);
  }
}

/** @returns whether the models of an ensemble go with it. */
export function checkUnload(model: string, parameters: unknown): boolean {
  const { unload_dependents: wish = false, ...others } = fieldsOf(parameters);
  const [stranger] = Object.keys(others);
  if (stranger !== undefined)
    throw bad(`unload of '${model}': unknown parameter '${stranger}'; there is unload_dependents`);
  if (typeof wish !== 'boolean') throw bad(`unload of '${model}': unload_dependents must be true or false`);
  return wish;
}
