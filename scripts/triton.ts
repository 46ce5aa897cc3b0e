/** `npm run triton`: a real Triton on this machine, in the foreground, with the repository's models. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { endWhenTold } from '../services/process/src/ending.ts';
import { misuseWithHelp } from '../services/process/src/misuse.ts';
import { startTriton, type TritonOptions } from '../services/triton/src/start-triton.ts';
import { ROOT } from './parts/lib.ts';

const HELP = `npm run triton -- [--repository DIR] [--grpc-port N] [--http-port N] [--metrics-port N] [--model-control M]

  --repository DIR     default: model_repository
  --grpc-port N        default: 8001; 0 takes a free one
  --http-port N        default: 8000
  --metrics-port N     default: 8002
  --model-control M    poll (default: changed models are taken up), none, or explicit (by the repository API)`;

const CONTROLS = ['poll', 'none', 'explicit'] as const;

function fail(message: string, code = 1): never {
  console.error(message);
  process.exit(code);
}

function options(): TritonOptions {
  const { values } = parseArgs({
    options: {
      repository: { type: 'string', default: resolve(ROOT, 'model_repository') },
      'grpc-port': { type: 'string', default: '8001' },
      'http-port': { type: 'string', default: '8000' },
      'metrics-port': { type: 'string', default: '8002' },
      'model-control': { type: 'string', default: 'poll' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const port = (name: 'grpc-port' | 'http-port' | 'metrics-port') => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < 0 || number > 65_535)
      throw new Error(`--${name} must be a number from 0 to 65535, not '${values[name]}'`);
    return number;
  };
  const modelControl = CONTROLS.find((name) => name === values['model-control']);
  if (!modelControl)
    throw new Error(
      `--model-control must be one of ${CONTROLS.join(', ')}, not '${values['model-control']}'`,
    );
  return {
    repository: resolve(values.repository),
    grpcPort: port('grpc-port'),
    httpPort: port('http-port'),
    metricsPort: port('metrics-port'),
    modelControl,
  };
}

const ending = endWhenTold({ signals: ['SIGTERM', 'SIGINT', 'SIGHUP'] });
let wanted: TritonOptions;
try {
  wanted = options();
} catch (error) {
  fail(misuseWithHelp(error, HELP), 2);
}
try {
  console.log(`starting Triton with ${wanted.repository} …`);
  const triton = await startTriton(wanted);
  let stopping = false;
  ending.by(() => {
    stopping = true;
    return triton.stop();
  });
  // npm's own process was killed.
  process.once('disconnect', () => ending.now('npm gone'));
  console.log(`ready grpc ${triton.grpc} http ${triton.http} metrics ${triton.metrics}`);
  console.log(`route through it with: LLM_ROUTER_CLASSIFIER_URL=grpc://${triton.grpc} npm start`);
  triton.process.once('exit', (code, signal) => {
    if (!stopping)
      fail(`Triton ended (${signal ?? `exit ${code}`}):\n${triton.log().split('\n').slice(-30).join('\n')}`);
  });
} catch (error) {
  fail((error as Error).message);
}
