/** `llm-router init`: asks what you have, and writes a configuration that passes. */
import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HOSTED, type NewTarget, NONE, OWN, type OwnServer, ownTargets } from '../init/providers.ts';
import { gathered, newCommand, writable } from '../lib/command.ts';
import { CommandError, UsageError } from '../lib/errors.ts';

interface Options {
  readonly use?: readonly string[];
  readonly own?: readonly string[];
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const KINDS = [...Object.keys(HOSTED), NONE];

export const init = (): Command =>
  newCommand('init', 'asks what you have, and writes a configuration that passes', {
    group: 'run',
    examples: [
      { line: 'llm-router init', what: 'asks' },
      { line: 'llm-router init --use nim --use openai', what: 'asks nothing' },
      {
        line: 'llm-router init --own http://gpu1:8000 --own http://gpu2:8000,qwen3-235b',
        what: 'vLLM, NIM or another server of your own, from the smallest to the strongest model',
      },
    ],
  })
    .addOption(
      new Option(
        '--use <KIND>',
        `what you have, again for more: ${KINDS.join(', ')} (stand-ins answer)`,
      ).argParser((text: string, before: readonly string[] | undefined) => {
        if (!KINDS.includes(text))
          throw new UsageError(`--use wants one of ${KINDS.join(', ')}, not '${text}'`);
        return gathered(text, before);
      }),
    )
    .option('--own <URL[,MODEL[,ENV]]>', 'a server of your own; ENV names the variable of its key', gathered)
    .option('--out <FILE>', 'where it is written', 'router.yaml')
    .option('--force', 'also over a file that is there')
    .option('--json', 'the last line is one JSON object: {"file", "targets", "variables", "missing"}')
    .action(run);

interface Wanted {
  readonly kinds: readonly string[];
  readonly servers: readonly OwnServer[];
}

async function asked(): Promise<Wanted> {
  const { Asker } = await import('../init/ask.ts');
  const { readOwn } = await import('../init/own-server.ts');
  const asker = new Asker(process.stdin, process.stderr);
  try {
    const kinds = await asker.several('What do you have?', [
      ...Object.entries(HOSTED).map(([value, { label }]) => ({ value, label })),
      { value: OWN, label: 'servers of my own: vLLM, NIM, Ollama, anything OpenAI-compatible' },
      { value: NONE, label: 'nothing yet: local stand-ins answer, without a key' },
    ]);
    const servers: OwnServer[] = [];
    while (kinds.includes(OWN)) {
      const more = servers.length > 0;
      const question = more
        ? 'a stronger one (empty: no more)'
        : 'address of the smallest, such as http://gpu1:8000';
      const address = await asker.text(question);
      if (address === '' && more) break;
      if (address === '') continue;
      const model = await asker.text('its model (empty: asked of the server)');
      const key = await asker.text('variable that holds its key (empty: none)');
      servers.push(readOwn([address, model, key].join(',').replace(/,+$/, '')));
    }
    return { kinds, servers };
  } finally {
    asker.close();
  }
}

async function wantedOf({ use, own }: Options): Promise<Wanted> {
  const { readOwn } = await import('../init/own-server.ts');
  if (use || own) return { kinds: use ?? [], servers: (own ?? []).map(readOwn) };
  return asked();
}

async function targetsOf({ kinds, servers }: Wanted): Promise<NewTarget[]> {
  const { modelOf } = await import('../init/own-server.ts');
  const own: (OwnServer & { model: string })[] = [];
  for (const server of servers) own.push({ ...server, model: server.model ?? (await modelOf(server)) });
  const hosted = kinds.flatMap((kind) => HOSTED[kind]?.targets ?? []);
  const all = [...ownTargets(own), ...hosted];
  // Stand-ins take the place of any targets; these are the ones that a first key would call.
  return all.length > 0 ? all : [...HOSTED.nim!.targets];
}

async function run(options: Options): Promise<void> {
  const { configOf } = await import('../init/write.ts');
  const { anyEnv, loadConfig } = await import('../../../router-controller/src/config/index.ts');
  const file = resolve(options.out);
  if (existsSync(file) && !options.force)
    throw new CommandError(
      `${options.out} is there already; --force writes over it, --out names another file`,
    );
  writable(file, '--out');
  const wanted = await wantedOf(options);
  const targets = await targetsOf(wanted);
  writeFileSync(file, configOf(targets));
  // What was written is what a start would read.
  const { table } = await loadConfig(file, { env: anyEnv });
  const variables = [...new Set(targets.flatMap(({ key }) => key ?? []))];
  const missing = variables.filter((name) => !process.env[name]);
  const standIns = wanted.servers.length === 0 && wanted.kinds.every((kind) => kind === NONE);
  console.log(
    `wrote ${options.out}: ${table.targets.size} targets, ${[...table.policies.keys()].join(', ')}`,
  );
  if (missing.length > 0 && !standIns)
    console.log(`set ${missing.join(' and ')} to your key${missing.length > 1 ? 's' : ''}, then:`);
  else console.log('next:');
  if (!standIns) console.log(`  npx llm-router doctor --config ${options.out}`);
  console.log(`  npx llm-router start --config ${options.out}${standIns ? ' --stand-ins' : ''}`);
  if (options.json)
    console.log(JSON.stringify({ file, targets: targets.map(({ name }) => name), variables, missing }));
}
