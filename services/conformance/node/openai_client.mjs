/** openai-node, two versions: chat, completions, responses, embeddings, models, errors, Azure's spelling. */
import OpenAI6, { AzureOpenAI, NotFoundError } from 'openai';
import OpenAI7 from 'openai7';
import { BASE, check, KEY, MODEL, ok, PICTURE, said, TEXT } from './checks.mjs';

const messages = [{ role: 'user', content: TEXT }];
const parameters = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
const tools = [{ type: 'function', function: { name: 'lookup', parameters } }];

for (const [version, OpenAI] of [
  ['6', OpenAI6],
  ['7', OpenAI7],
]) {
  const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: KEY, maxRetries: 0 });
  const named = (name) => `${name} (${version})`;

  await check(named('chat'), async () => {
    said((await client.chat.completions.create({ model: MODEL, messages })).choices[0].message.content);
  });
  await check(named('chat stream'), async () => {
    let text = '';
    for await (const chunk of await client.chat.completions.create({
      model: MODEL,
      messages,
      stream: true,
    })) {
      ok(chunk.choices.length > 0 && !chunk.usage, 'usage that nobody asked for');
      text += chunk.choices[0].delta.content ?? '';
    }
    said(text);
  });
  await check(named('chat helper'), async () => {
    const runner = client.chat.completions.stream({ model: MODEL, messages });
    said((await runner.finalChatCompletion()).choices[0].message.content);
  });
  await check(named('chat tools'), async () => {
    const first = (await client.chat.completions.create({ model: MODEL, messages, tools })).choices[0]
      .message;
    ok(JSON.parse(first.tool_calls[0].function.arguments).text, 'arguments');
    const again = [...messages, first, { role: 'tool', tool_call_id: first.tool_calls[0].id, content: '42' }];
    said(
      (await client.chat.completions.create({ model: MODEL, messages: again, tools })).choices[0].message
        .content,
    );
  });
  await check(named('completions'), async () => {
    said((await client.completions.create({ model: MODEL, prompt: TEXT })).choices[0].text);
  });
  await check(named('responses'), async () => {
    const answer = await client.responses.create({ model: MODEL, input: TEXT, instructions: 'Be short.' });
    ok(answer.status === 'completed' && answer.usage.total_tokens > 0, 'status and usage');
    said(answer.output_text);
  });
  await check(named('responses stream'), async () => {
    const types = [];
    let text = '';
    for await (const event of await client.responses.create({ model: MODEL, input: TEXT, stream: true })) {
      types.push(event.type);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    ok(types[0] === 'response.created' && types.at(-1) === 'response.completed', types.join());
    said(text);
  });
  await check(named('responses helper'), async () => {
    const stream = client.responses.stream({ model: MODEL, input: TEXT });
    said((await stream.finalResponse()).output_text);
  });
  await check(named('responses tools'), async () => {
    const given = [{ type: 'function', name: 'lookup', parameters, strict: false }];
    const first = await client.responses.create({ model: MODEL, input: TEXT, tools: given });
    const call = first.output.find(({ type }) => type === 'function_call');
    ok(JSON.parse(call.arguments).text, 'arguments');
    const input = [
      { role: 'user', content: TEXT },
      ...first.output,
      { type: 'function_call_output', call_id: call.call_id, output: '42' },
    ];
    said((await client.responses.create({ model: MODEL, input, tools: given })).output_text);
  });
  await check(named('responses image'), async () => {
    const content = [
      { type: 'input_text', text: TEXT },
      { type: 'input_image', image_url: PICTURE, detail: 'auto' },
    ];
    said((await client.responses.create({ model: MODEL, input: [{ role: 'user', content }] })).output_text);
  });
  await check(named('embeddings'), async () => {
    const answer = await client.embeddings.create({ model: 'embed', input: ['a', 'b'] });
    ok(answer.data[1].embedding.length > 3, 'vectors');
  });
  await check(named('transcription'), async () => {
    const file = new File([Buffer.alloc(200_000, 1)], 'a.wav');
    ok((await client.audio.transcriptions.create({ file, model: 'listen' })).text, 'text');
  });
  await check(named('models'), async () => {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    ok(ids.includes(MODEL) && new Set(ids).size === ids.length, ids.join());
    for (const id of ids) ok((await client.models.retrieve(id)).id === id, id);
  });
}

await check('errors', async () => {
  const client = new OpenAI6({ baseURL: `${BASE}/v1`, apiKey: KEY, maxRetries: 0 });
  for (const run of [
    () => client.chat.completions.create({ model: 'no-such-model', messages }),
    () => client.responses.create({ model: 'no-such-model', input: 'x' }),
  ]) {
    const error = await run().then(
      () => null,
      (raised) => raised,
    );
    ok(error instanceof NotFoundError && error.code === 'model_not_found', String(error));
  }
});
await check('azure', async () => {
  const client = new AzureOpenAI({
    endpoint: BASE,
    apiKey: KEY,
    apiVersion: '2024-10-21',
    deployment: MODEL,
  });
  said((await client.chat.completions.create({ model: MODEL, messages })).choices[0].message.content);
});
