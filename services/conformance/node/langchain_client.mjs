/** LangChain for Node over chat completions and Responses. */
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { BASE, check, KEY, MODEL, ok, said, TEXT } from './checks.mjs';

const configuration = { baseURL: `${BASE}/v1` };
const lookup = tool(async ({ text }) => `found ${text}`, {
  name: 'lookup',
  description: 'Looks up',
  schema: z.object({ text: z.string() }),
});
const textOf = ({ content }) =>
  typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('');

for (const [name, useResponsesApi] of [
  ['chat', false],
  ['responses', true],
]) {
  const model = new ChatOpenAI({ model: MODEL, apiKey: KEY, configuration, maxRetries: 0, useResponsesApi });
  await check(`${name}: plain`, async () => said(textOf(await model.invoke(TEXT))));
  await check(`${name}: stream`, async () => {
    let text = '';
    for await (const chunk of await model.stream(TEXT)) text += textOf(chunk);
    said(text);
  });
  await check(`${name}: tools`, async () => {
    const bound = model.bindTools([lookup]);
    const first = await bound.invoke(TEXT);
    const result = new ToolMessage({ content: '42', tool_call_id: first.tool_calls[0].id });
    said(textOf(await bound.invoke([new HumanMessage(TEXT), first, result])));
  });
  await check(`${name}: structured`, async () => {
    const made = await model
      .withStructuredOutput(z.object({ name: z.string(), age: z.number() }))
      .invoke(TEXT);
    ok(typeof made.age === 'number', 'an object');
  });
}
await check('embeddings', async () => {
  const made = new OpenAIEmbeddings({ model: 'embed', apiKey: KEY, configuration });
  ok((await made.embedQuery('a')).length > 3, 'a vector');
});
