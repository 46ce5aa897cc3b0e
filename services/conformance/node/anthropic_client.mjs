/** anthropic-sdk for Node: messages, streams, tools, counting, errors. */
import Anthropic, { NotFoundError } from '@anthropic-ai/sdk';
import { BASE, check, KEY, MODEL, ok, PICTURE, said, TEXT } from './checks.mjs';

const client = new Anthropic({ baseURL: BASE, apiKey: KEY, maxRetries: 0 });
const messages = [{ role: 'user', content: TEXT }];
const input_schema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
const tools = [{ name: 'lookup', input_schema }];
const base = { model: MODEL, max_tokens: 200, messages };

await check('plain', async () => {
  const answer = await client.messages.create({ ...base, system: 'Be short.' });
  ok(answer.stop_reason === 'end_turn' && answer.usage.output_tokens > 0, 'stop reason and usage');
  said(answer.content[0].text);
});
await check('stream', async () => {
  const stream = client.messages.stream(base);
  const final = await stream.finalMessage();
  said(final.content[0].text);
  ok(final.usage.output_tokens > 0, 'usage');
});
await check('tool loop', async () => {
  const first = await client.messages.create({ ...base, tools });
  const call = first.content.find(({ type }) => type === 'tool_use');
  ok(first.stop_reason === 'tool_use' && call.input.text, 'a call');
  const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: '42' }] };
  said(
    (
      await client.messages.create({
        ...base,
        tools,
        messages: [...messages, { role: 'assistant', content: first.content }, result],
      })
    ).content[0].text,
  );
});
await check('tool stream', async () => {
  const final = await client.messages.stream({ ...base, tools }).finalMessage();
  ok(final.content.find(({ type }) => type === 'tool_use').input.text, 'arguments');
});
await check('image', async () => {
  const source = { type: 'base64', media_type: 'image/png', data: PICTURE.split(',')[1] };
  const content = [
    { type: 'image', source },
    { type: 'text', text: 'What is this?' },
  ];
  said((await client.messages.create({ ...base, messages: [{ role: 'user', content }] })).content[0].text);
});
await check('count tokens', async () => {
  ok((await client.messages.countTokens({ model: MODEL, messages })).input_tokens > 3, 'a count');
});
await check('errors', async () => {
  const error = await client.messages.create({ ...base, model: 'no-such-model' }).then(
    () => null,
    (raised) => raised,
  );
  ok(
    error instanceof NotFoundError && error.error?.error?.type === 'not_found_error',
    JSON.stringify(error?.error),
  );
});
