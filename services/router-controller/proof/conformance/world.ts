/** A real router with its real classifier in front of stand-ins. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StandIns, startStandInLlms } from '@llm-router/stand-in-llms';
import { hashKey } from '../../src/authenticate/index.ts';
import { embeddedClassifier } from '../soak/classifier.ts';
import { startController } from '../soak/controller.ts';

export interface World {
  readonly url: string;
  readonly key: string;
  readonly llms: StandIns;
  readonly stop: () => Promise<void>;
}

const KEY = 'sk-llmr-conformance-0123456789';
const LABELS = [
  ...['Brainstorming', 'Chatbot', 'Classification', 'Closed QA', 'Code Generation', 'Extraction'],
  ...['Open QA', 'Other', 'Rewrite', 'Summarization', 'Text Generation', 'Unknown'],
];
/** Models of endpoints that are passed on. */
const PASSED = ['embed', 'moderate', 'speak', 'listen', 'draw'];

export async function startWorld(): Promise<World> {
  const llms = await startStandInLlms();
  const classifier = await embeddedClassifier();
  const folder = mkdtempSync(join(tmpdir(), 'llm-router-conformance-'));
  const file = join(folder, 'router.yaml');
  writeFileSync(
    file,
    `
default_policy: task_router
server: { port: 0 }
classifier: { deadline_ms: 2000 }
auth: { keys: [{ id: conformance, tenant: conformance, hash: '${hashKey(KEY)}' }] }
targets:
  - { name: chat, api_base: '${llms.url}', model: meta/llama-3.1-8b-instruct }
${PASSED.map((name) => `  - { name: ${name}, api_base: '${llms.url}', model: ${name} }`).join('\n')}
policies:
  - name: task_router
    url: grpc://${classifier.grpc}/task_router_ensemble
    fallback: Chatbot
    llms:
${LABELS.map((name) => `      - { name: ${name}, target: chat }`).join('\n')}
`,
  );
  const controller = await startController(file);
  return {
    url: controller.url,
    key: KEY,
    llms,
    stop: async () => {
      await controller.stop();
      await classifier.stop();
      await llms.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
