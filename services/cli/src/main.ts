/** `llm-router COMMAND …`, run by enter.mjs with the workspace's own Node. */
import { CommanderError } from 'commander';
import { misuse } from '../../process/src/misuse.ts';
import { whyUnread } from '../../process/src/unread.ts';
import { FILES } from './files.ts';
import { CommandError, EXIT } from './lib/errors.ts';
import { endWithReader } from './lib/gone-reader.ts';
import { ownOptions } from './own-help.ts';
import { program } from './program.ts';

/** As it was given: a command that is a file reads what it leaves in process.argv. */
const ASKED = process.argv.slice(2);

/** The words of the command that is a file of its own, and was asked for. */
const wordsOfFile = (): string =>
  Object.keys(FILES).find((words) => ASKED.slice(0, words.split(' ').length).join(' ') === words) ?? '';

/** The options of the file that was asked for. */
const flags = (): string[] => [
  ...(FILES[wordsOfFile()]?.options ?? []).map(([each]) => each.split(/[ ,]/)[0]!),
  ...ownOptions(wordsOfFile()).map(({ flag }) => flag),
];

/** A file of the user's that could not be used where nobody had looked before; null: it is another error. */
function ofFile(error: unknown): string | null {
  const { syscall, path } = error as NodeJS.ErrnoException;
  return typeof path === 'string' && ['open', 'mkdir', 'scandir', 'stat', 'access'].includes(syscall ?? '')
    ? `${path} can’t be used: ${whyUnread(error)}`
    : null;
}

/** What ended the command, told; and the exit code that it means. */
async function codeOf(error: unknown): Promise<number> {
  // Commander has said it all; its own code for a wrong use is 1.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CommandError) {
    console.error(error.message);
    return error.code;
  }
  const wrong = misuse(error, flags());
  if (wrong !== null) {
    console.error(
      `${wrong}${/[.?]$/.test(wrong) ? '' : '.'}\n\`llm-router ${wordsOfFile()} --help\` tells all options`,
    );
    return EXIT.usage;
  }
  const file = ofFile(error);
  if (file !== null) {
    console.error(file);
    return EXIT.failed;
  }
  const { ConfigError } = await import('../../router-controller/src/config/index.ts');
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  return EXIT.failed;
}

endWithReader(ASKED);
try {
  const root = program();
  if (process.argv.length <= 2) root.help();
  await root.parseAsync();
} catch (error) {
  process.exitCode = await codeOf(error);
}
