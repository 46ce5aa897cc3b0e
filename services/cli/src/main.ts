/** `llm-router COMMAND …`, run by enter.mjs with the workspace's own Node. */
import { CommanderError } from 'commander';
import { CommandError, EXIT } from './lib/errors.ts';
import { program } from './program.ts';

/** What ended the command, told; and the exit code that it means. */
async function codeOf(error: unknown): Promise<number> {
  // Commander has said it all; its own code for a wrong use is 1.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CommandError) {
    console.error(error.message);
    return error.code;
  }
  const { ConfigError } = await import('../../router-controller/src/config/index.ts');
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  return EXIT.failed;
}

try {
  const root = program();
  if (process.argv.length <= 2) root.help();
  await root.parseAsync();
} catch (error) {
  process.exitCode = await codeOf(error);
}
