/** OpenAI's Agents SDK for Node, over Responses (its default) and chat completions. */
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents';
import { z } from 'zod';
import { BASE, check, KEY, MODEL, ok, said, TEXT } from './checks.mjs';

// Its traces would go to OpenAI.
setTracingDisabled(true);

const lookup = tool({
  name: 'lookup',
  description: 'Looks up',
  parameters: z.object({ text: z.string() }),
  execute: async ({ text }) => `found ${text}`,
});

for (const [name, useResponses] of [
  ['responses', true],
  ['chat', false],
]) {
  const modelProvider = new OpenAIProvider({ baseURL: `${BASE}/v1`, apiKey: KEY, useResponses });
  const runner = new Runner({ modelProvider, tracingDisabled: true });
  const run = (more) =>
    runner.run(new Agent({ name: 'a', instructions: 'Be short.', model: MODEL, ...more }), TEXT);
  await check(`${name}: plain`, async () => said((await run({})).finalOutput));
  await check(`${name}: tools`, async () => said((await run({ tools: [lookup] })).finalOutput));
  await check(`${name}: structured`, async () => {
    const { finalOutput } = await run({ outputType: z.object({ name: z.string(), age: z.number() }) });
    ok(typeof finalOutput.age === 'number', 'an object');
  });
  await check(`${name}: stream`, async () => {
    const result = await runner.run(new Agent({ name: 'a', model: MODEL }), TEXT, { stream: true });
    for await (const _event of result);
    said(result.finalOutput);
  });
}
