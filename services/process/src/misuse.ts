/** Node's own word on a command line that `parseArgs` does not take, without its advice on `--`; null: the error is another one. */
export function misuse(error: unknown): string | null {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return code.startsWith('ERR_PARSE_ARGS_') ? message.split('. To specify')[0]! : null;
}
