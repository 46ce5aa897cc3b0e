/** `--json` of commands that also tell how they go on: results to standard output, all else to standard error. */

/**
 * Sends what `console.log` says to standard error where JSON was asked for.
 *
 * @returns prints the result as one JSON object, the last line; nothing where JSON was not asked for.
 */
export function lastLine(json: boolean | undefined): (result: object) => void {
  if (!json) return () => {};
  console.log = (...words: unknown[]) => console.error(...words);
  return (result) => {
    process.stdout.write(`${JSON.stringify(result)}\n`);
  };
}
