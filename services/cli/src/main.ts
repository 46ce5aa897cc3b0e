/** `llm-router COMMAND …`, run by enter.mjs with the workspace's own Node. */
import { CommanderError } from 'commander';
import { misuse } from '../../process/src/misuse.ts';
import { hint } from '../../router-controller/src/config/problems.ts';
import { FILES } from './files.ts';
import { CommandError, EXIT } from './lib/errors.ts';
import { program } from './program.ts';

/** As it was given: a command that is a file reads what it leaves in process.argv. */
const ASKED = process.argv.slice(2);

/** The words of the command that is a file of its own, and was asked for. */
const wordsOfFile = (): string =>
  Object.keys(FILES).find((words) => ASKED.slice(0, words.split(' ').length).join(' ') === words) ?? '';

/** ` Did you mean '--json'?`, for an option that there is not. */
function nearOption(wrong: string): string {
  const [, option] = /'(--?[\w-]+)/.exec(wrong) ?? [];
  const known = (FILES[wordsOfFile()]?.options ?? []).map(([flags]) => flags.split(/[ ,]/)[0]!);
  return option ? hint(option, known) : '';
}

/** What ended the command, told; and the exit code that it means. */
async function codeOf(error: unknown): Promise<number> {
  // Commander has said it all; its own code for a wrong use is 1.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CommandError) {
    console.error(error.message);
    return error.code;
  }
  const wrong = misuse(error);
  if (wrong !== null) {
    console.error(`${wrong}.${nearOption(wrong)}\n\`llm-router ${wordsOfFile()} --help\` tells all options`);
    return EXIT.usage;
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
