import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';

const model = new ChatOpenAI({
  model: 'auto',
  apiKey: 'unused-on-loopback',
  configuration: { baseURL: 'http://127.0.0.1:8084/v1' },
});

let text = '';
for await (const chunk of await model.stream('Give me three names for a bakery')) text += chunk.content;
console.log(text);

const weather = tool(async ({ city }) => `Sunny in ${city}`, {
  name: 'weather',
  description: 'Weather of a city',
  schema: z.object({ city: z.string() }),
});
const { tool_calls } = await model.bindTools([weather]).invoke('What is the weather like in Oslo?');
console.log(tool_calls[0].name, Object.keys(tool_calls[0].args));
