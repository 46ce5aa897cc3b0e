/** `npm run triton`: a real Triton on this machine, in the foreground, with the repository's models. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startTriton } from '../services/triton/src/start-triton.ts';
import { ROOT } from './parts/lib.ts';

const { values } = parseArgs({
  options: {
    repository: { type: 'string', default: join(ROOT, 'model_repository') },
    'grpc-port': { type: 'string', default: '8001' },
    'http-port': { type: 'string', default: '8000' },
    'metrics-port': { type: 'string', default: '8002' },
    'model-control': { type: 'string', default: 'poll' },
  },
});

const triton = await startTriton({
  repository: values.repository,
  grpcPort: Number(values['grpc-port']),
  httpPort: Number(values['http-port']),
  metricsPort: Number(values['metrics-port']),
  modelControl: values['model-control'] as 'none' | 'poll' | 'explicit',
});
console.log(`ready grpc ${triton.grpc} http ${triton.http} metrics ${triton.metrics}`);
console.log(`route through it with: LLM_ROUTER_CLASSIFIER_URL=grpc://${triton.grpc} npm start`);
const stop = () => void triton.stop().then(() => process.exit(0));
process.once('SIGTERM', stop).once('SIGINT', stop);
triton.process.once('exit', (code) => {
  console.error(`Triton ended (${code})`);
  process.exit(code ?? 1);
});
