/** The reference of commands, from the tree of commands itself. */
import { join } from 'node:path';
import { optionsOf } from '../../services/cli/src/file-commands.ts';
import { FILES } from '../../services/cli/src/files.ts';
import { EXAMPLES, GROUPS } from '../../services/cli/src/lib/command.ts';
import { program } from '../../services/cli/src/program.ts';
import { ROOT } from '../parts/lib.ts';
import { cell, code, head, table } from './markdown.ts';

type Command = ReturnType<typeof program>;
type Option = ReturnType<typeof optionsOf>[number];

const WORDS = `\`npx llm-router COMMAND\` in a checkout, or from the package; \`npm run a:b -- …\` is \`llm-router a b …\`. \`llm-router COMMAND --help\` tells the same as this
page. Paths are meant from where the command is given.

**Exit codes**: 0 it did what it was asked; 1 it could not, or what it checked is not right; 2 it was asked for wrongly: an unknown command or
option, a value out of bounds. Commands that run until they are stopped end with 0 on
SIGTERM, once what is under way is done; a second one, a second or more later, ends them at once with 143. Under a supervisor start
\`node services/cli/bin/llm-router.mjs start\` or \`npm start\`: \`npx\` puts a shell of its own in between, which dies by the signal (the router hears of it within a second, and ends). \`check deps\` ends with 3 when nothing could be checked.

**Output**: results go to standard output, progress and complaints to standard error. With \`--json\` the last line of standard output is one JSON
object. Colour and bars that move are for terminals only; \`NO_COLOR=1\` takes colour away. What takes longer than two seconds says how far it is.

\`llm-router completion bash|zsh|fish\` prints a script that completes all of this.`;

/** Commands that can be run, with their words. */
function leaves(command: Command, words: readonly string[] = []): [string, Command][] {
  if (command.commands.length === 0) return [[words.join(' '), command]];
  return command.commands.flatMap((each) => leaves(each, [...words, each.name()]));
}

function optionTable(options: readonly Option[]): string {
  const rows = options
    .filter(({ long }) => long !== '--help')
    .map(({ flags, description, defaultValue, defaultValueDescription, mandatory, argChoices }) => {
      const more = [
        mandatory ? 'needed' : '',
        argChoices ? `one of ${argChoices.join(', ')}` : '',
        defaultValue !== undefined && defaultValue !== false
          ? `default: ${defaultValueDescription ?? defaultValue}`
          : '',
      ].filter((each) => each !== '');
      return [code(flags), cell(description) + (more.length > 0 ? ` (${cell(more.join('; '))})` : '')];
    });
  return rows.length > 0 ? `\n${table(['option', 'meaning'], rows)}\n` : '';
}

const sentence = (words: string) => `${words[0]!.toUpperCase()}${words.slice(1)}.`;

async function section(name: string, command: Command): Promise<string> {
  const entry = FILES[name];
  const own = entry?.ownHelp;
  const usage = `llm-router ${name} ${command.usage()}`.trim();
  const parts = [`### \`${name}\`\n\n${sentence(command.description())}\n`];
  if (own && own !== 'tool') {
    const { HELP } = (await import(join(ROOT, own))) as { HELP: string };
    parts.push(`\n\`\`\`text\n${HELP}\n\`\`\`\n`);
  } else {
    parts.push(`\n\`\`\`text\n${usage}\n\`\`\`\n`);
    const inOrder = command.registeredArguments.filter((each) => !entry && each.name() !== 'options');
    for (const argument of inOrder) parts.push(`\n${code(argument.name())}: ${argument.description}.\n`);
    parts.push(optionTable(entry ? optionsOf(entry) : command.options));
  }
  if (entry?.withoutJson) parts.push(`\nNo \`--json\`: ${entry.withoutJson}.\n`);
  const examples = (EXAMPLES.get(command) ?? []).map(({ line, what }) => `# ${what}\n${line}\n`);
  if (examples.length > 0) parts.push(`\n\`\`\`sh\n${examples.join('\n')}\`\`\`\n`);
  return parts.join('');
}

export async function cliPage(): Promise<string> {
  const all = leaves(program());
  const groupOf = (command: Command): string =>
    command.helpGroup() || (command.parent ? groupOf(command.parent) : '');
  const parts: string[] = [];
  for (const group of Object.values(GROUPS)) {
    const own = all.filter(([, command]) => groupOf(command) === group);
    parts.push(`## ${group.replace(/:$/, '')}\n`);
    for (const [name, command] of own) parts.push(await section(name, command));
  }
  return `${head('Commands', 'services/cli/src', WORDS)}\n${parts.join('\n')}`;
}
