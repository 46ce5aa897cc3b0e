import { Agent, OpenAIProvider, Runner } from '@openai/agents';
import { z } from 'zod';

const modelProvider = new OpenAIProvider({
  baseURL: 'http://127.0.0.1:8084/v1',
  apiKey: 'unused-on-loopback',
});
const runner = new Runner({ modelProvider, tracingDisabled: true });

const writer = new Agent({ name: 'writer', instructions: 'Write well.', model: 'auto' });
console.log((await runner.run(writer, 'Draft a birthday card for Ada')).finalOutput);

const Event = z.object({ title: z.string(), guests: z.number() });
const reader = new Agent({ name: 'reader', model: 'auto', outputType: Event });
console.log(Object.keys((await runner.run(reader, 'Ada’s party, 12 guests')).finalOutput));
