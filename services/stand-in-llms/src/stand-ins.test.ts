import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { programOf } from '../../bundler/src/program.ts';
import { NIM_MODELS, parseFault, type StandIns, startStandInLlms } from './index.ts';

let llms: StandIns;
before(async () => {
  llms = await startStandInLlms();
});
after(() => llms.close());

const ask = (body: object, headers: Record<string, string> = {}, path = '/v1/chat/completions') =>
  fetch(llms.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const messages = [{ role: 'user', content: 'Hello there, how are you?' }];
// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
const json = async (response: Response): Promise<any> => response.json();

function events(text: string): unknown[] {
  return text
    .split('\n\n')
    .filter(Boolean)
    .map((event) => event.slice('data: '.length))
    .map((data) => (data === '[DONE]' ? data : JSON.parse(data)));
}

describe('answers', () => {
  test('say that they come from a stand-in, and for which model, the same each time', async () => {
    for (const model of [...NIM_MODELS, 'any/other']) {
      const first = await json(await ask({ model, messages }));
      assert.match(first.choices[0].message.content, /stand-in/);
      assert.ok(first.choices[0].message.content.includes(model));
      assert.equal(first.model, model);
      assert.deepEqual(await json(await ask({ model, messages })), first);
    }
  });

  test('stream the same words that they send whole, with usage only where asked for', async () => {
    const whole = await json(await ask({ model: 'm', messages, n: 2 }));
    for (const include_usage of [true, false]) {
      const text = await (
        await ask({ model: 'm', messages, n: 2, stream: true, stream_options: { include_usage } })
      ).text();
      const all = events(text) as {
        choices: { index: number; delta: { content?: string } }[];
        usage?: unknown;
      }[];
      assert.equal(all.at(-1), '[DONE]');
      const said = ['', ''];
      for (const { index, delta } of all.flatMap((event) => event.choices ?? []))
        said[index] += delta.content ?? '';
      assert.deepEqual(
        said,
        whole.choices.map((c: { message: { content: string } }) => c.message.content),
      );
      const usages = all.filter((event) => event.usage);
      assert.deepEqual(
        usages.map((event) => event.usage),
        include_usage ? [whole.usage] : [],
      );
    }
  });

  test('call an offered tool once, in deltas that join to its arguments', async () => {
    const tools = [{ type: 'function', function: { name: 'weather', parameters: {} } }];
    const whole = await json(await ask({ model: 'm', messages, tools }));
    const [call] = whole.choices[0].message.tool_calls;
    assert.equal(whole.choices[0].finish_reason, 'tool_calls');
    assert.equal(call.function.name, 'weather');
    const streamed = events(
      await (await ask({ model: 'm', messages, tools, stream: true })).text(),
    ) as (typeof whole)[];
    const args = streamed
      .flatMap((event) => event.choices?.[0]?.delta.tool_calls ?? [])
      .map((delta) => delta.function.arguments)
      .join('');
    assert.equal(args, call.function.arguments);
    const answered = await json(
      await ask({ model: 'm', messages: [...messages, { role: 'tool', content: '20 °C' }], tools }),
    );
    assert.match(answered.choices[0].message.content, /tool’s result/);
  });

  test('acknowledge images, honour a JSON schema and max_tokens', async () => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
    ];
    const seen = await json(await ask({ model: 'm', messages: [{ role: 'user', content }] }));
    assert.match(seen.choices[0].message.content, /1 image/);
    const schema = {
      type: 'object',
      properties: { name: { type: 'string' }, tags: { type: 'array', items: { enum: ['a', 'b'] } } },
    };
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } };
    const fit = await json(await ask({ model: 'm', messages, response_format }));
    assert.deepEqual(JSON.parse(fit.choices[0].message.content), { name: 'stand-in', tags: ['a'] });
    const short = await json(await ask({ model: 'm', messages, max_tokens: 3 }));
    assert.equal(short.choices[0].finish_reason, 'length');
    assert.equal(short.choices[0].message.content.trim().split(' ').length, 3);
  });

  test('are text completions on /v1/completions', async () => {
    const answer = await json(await ask({ model: 'm', prompt: 'Once upon' }, {}, '/v1/completions'));
    assert.equal(answer.object, 'text_completion');
    assert.match(answer.choices[0].text, /Once upon/);
  });

  test('list the four NIM models, and refuse other paths and bad JSON with OpenAI errors', async () => {
    const list = await json(await fetch(`${llms.url}/v1/models`));
    assert.deepEqual(
      list.data.map((m: { id: string }) => m.id),
      NIM_MODELS,
    );
    const wrong = await ask({}, {}, '/v1/nothing');
    assert.equal(wrong.status, 404);
    assert.deepEqual(Object.keys((await json(wrong)).error), ['message', 'type', 'param', 'code']);
    const bad = await fetch(`${llms.url}/v1/chat/completions`, { method: 'POST', body: '{' });
    assert.equal(bad.status, 400);
  });
});

describe('faults', () => {
  test('come by header and by model name; an unknown one is refused with the list', async () => {
    const byHeader = await ask({ model: 'm', messages }, { 'x-stand-in-fault': 'status:429:2' });
    assert.equal(byHeader.status, 429);
    assert.equal(byHeader.headers.get('retry-after'), '2');
    assert.equal((await ask({ model: 'm#fault=status:503', messages })).status, 503);
    const unknown = await ask({ model: 'm', messages }, { 'x-stand-in-fault': 'sulk' });
    assert.match((await json(unknown)).error.message, /no fault 'sulk'; one of: refuse/);
    assert.throws(() => parseFault('cut:-1'), /no fault/);
  });

  for (const stream of [true, false]) {
    for (const fault of [
      'refuse',
      'reset',
      'cut:10',
      'wrong-content-length',
      'garbage-status',
      'huge-headers',
    ]) {
      test(`${fault} breaks the answer, stream: ${stream}`, async () => {
        await assert.rejects(async () => {
          const response = await ask({ model: 'm', messages, stream }, { 'x-stand-in-fault': fault });
          await response.text();
        });
      });
    }
  }

  test('truncate ends a stream without finish_reason or [DONE]', async () => {
    const text = await (
      await ask({ model: 'm', messages, stream: true }, { 'x-stand-in-fault': 'truncate:2' })
    ).text();
    assert.equal(events(text).length, 3);
    assert.ok(!text.includes('[DONE]') && !/"finish_reason":"/.test(text));
  });

  test('error-in-stream sends its error after the asked number of content events', async () => {
    for (const after of [0, 2]) {
      const fault = { 'x-stand-in-fault': `error-in-stream:${after}` };
      const all = events(await (await ask({ model: 'm', messages, stream: true }, fault)).text());
      assert.ok('error' in (all.at(-1) as object));
      assert.equal(all.length, after === 0 ? 1 : after + 2);
    }
  });
});

test('the command prints where it listens and ends when its parent closes the pipe', async () => {
  const main = programOf(fileURLToPath(new URL('main.ts', import.meta.url)));
  const child = spawn(process.execPath, [main, '--exit-with-parent'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = await once(child.stdout!.setEncoding('utf8'), 'data');
  assert.match(line, /^ready http:\/\/127\.0\.0\.1:\d+\n$/);
  assert.equal((await fetch(`${line.trim().split(' ')[1]}/v1/models`)).status, 200);
  child.stdin!.end();
  assert.deepEqual(await exited, [0, null]);
});
