/** Vercel's AI SDK: `openai(model)` (Responses by default), chat, compatible, Anthropic; tools, objects, streams. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embed, generateObject, generateText, stepCountIs, streamObject, streamText, tool } from 'ai';
import { z } from 'zod';
import { BASE, check, KEY, MODEL, ok, PICTURE, said, TEXT } from './checks.mjs';

const openai = createOpenAI({ baseURL: `${BASE}/v1`, apiKey: KEY });
const compatible = createOpenAICompatible({ name: 'router', baseURL: `${BASE}/v1`, apiKey: KEY });
const anthropic = createAnthropic({ baseURL: `${BASE}/v1`, apiKey: KEY });
const schema = z.object({ name: z.string(), age: z.number() });
const lookup = tool({
  description: 'Looks up',
  inputSchema: z.object({ text: z.string() }),
  execute: async ({ text }) => `found ${text}`,
});

for (const [name, model] of [
  ['responses', openai(MODEL)],
  ['chat', openai.chat(MODEL)],
  ['compatible', compatible(MODEL)],
  ['messages', anthropic(MODEL)],
]) {
  const common = { model, maxRetries: 0 };
  await check(`${name}: text`, async () => {
    const { text, usage } = await generateText({ ...common, prompt: TEXT, system: 'Be short.' });
    said(text);
    ok(usage.totalTokens > 0 || usage.inputTokens > 0, 'usage');
  });
  await check(`${name}: stream`, async () => said(await streamText({ ...common, prompt: TEXT }).text));
  await check(`${name}: tools`, async () => {
    const { text, steps } = await generateText({
      ...common,
      prompt: TEXT,
      tools: { lookup },
      stopWhen: stepCountIs(3),
    });
    ok(steps[0].toolCalls[0].input.text, 'a call');
    said(text);
  });
  await check(`${name}: streamed tools`, async () => {
    const result = streamText({ ...common, prompt: TEXT, tools: { lookup }, stopWhen: stepCountIs(3) });
    said(await result.text);
    ok((await result.steps)[0].toolCalls.length > 0, 'a call');
  });
  await check(`${name}: image`, async () => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', image: PICTURE },
    ];
    said((await generateText({ ...common, messages: [{ role: 'user', content }] })).text);
  });
  if (name === 'compatible') continue;
  await check(`${name}: object`, async () => {
    ok(
      typeof (await generateObject({ ...common, prompt: TEXT, schema })).object.age === 'number',
      'an object',
    );
  });
  await check(`${name}: streamed object`, async () => {
    const { object, partialObjectStream } = streamObject({ ...common, prompt: TEXT, schema });
    for await (const _partial of partialObjectStream);
    ok(typeof (await object).age === 'number', 'an object');
  });
}
await check('embed', async () => {
  ok((await embed({ model: openai.embedding('embed'), value: 'a' })).embedding.length > 3, 'a vector');
});
