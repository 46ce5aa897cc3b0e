import { createOpenAI } from '@ai-sdk/openai';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

const openai = createOpenAI({ baseURL: 'http://127.0.0.1:8084/v1', apiKey: 'unused-on-loopback' });

console.log(await streamText({ model: openai('auto'), prompt: 'Write a limerick about a router' }).text);

const price = tool({
  description: 'Price of an article',
  inputSchema: z.object({ article: z.string() }),
  execute: async ({ article }) => `${article}: 12 EUR`,
});
const { text, steps } = await generateText({
  model: openai.chat('auto'),
  prompt: 'What does a teapot cost?',
  tools: { price },
  stopWhen: stepCountIs(3),
});
console.log(steps[0].toolCalls[0].toolName, '→', text);
