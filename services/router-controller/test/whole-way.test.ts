/** The whole way on real parts: client SDK → controller → classifier → LLM; once over each classifier server and protocol. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startTriton } from '@llm-router/triton';
import OpenAI from 'openai';
import {
  chat,
  MODELS,
  ROUTER_CONFIG,
  sample,
  startClassifier,
  startWhole,
  user,
  V1_CONFIG,
  type Whole,
} from './harness.ts';

/** Plain examples of their kind; that the classifier is good on hard ones is measured elsewhere. */
const TASKS: readonly [label: string, prompt: string][] = [
  ['Code Generation', 'Write a Python function that reverses a linked list.'],
  ['Rewrite', 'Rewrite this sentence so that it sounds more formal: hey, gimme the report by noon ok?'],
  ['Brainstorming', 'Give me ten ideas for a birthday party for a seven-year-old who loves dinosaurs.'],
  ['Chatbot', 'Hello! How are you today?'],
  ['Text Generation', 'Write a short story about a lighthouse keeper who finds a message in a bottle.'],
];
const COMPLEXITIES: readonly [label: string, prompt: string][] = [
  ['Creativity', 'Write a fairy tale about a dragon who is afraid of fire.'],
  [
    'Reasoning',
    'A train leaves at 3 pm at 60 km/h, another at 4 pm at 90 km/h on the same track. When does the second catch up?',
  ],
  ['Few-Shot', 'Input: great movie => positive\nInput: awful food => negative\nInput: I loved the hotel =>'],
  ['Constraint', 'Describe the sea in exactly 12 words, without using the letter e, all in lower case.'],
];

interface Server {
  readonly grpc: string;
  readonly http: string;
  readonly stop: () => Promise<void>;
}

const SERVERS: readonly [name: string, start: () => Promise<Server>][] = [
  ['router-server', () => startClassifier().then(({ grpc, http, close }) => ({ grpc, http, stop: close }))],
  [
    'a real Triton',
    () => startTriton({ repository: MODELS }).then(({ grpc, http, stop }) => ({ grpc, http, stop })),
  ],
];

for (const [name, start] of SERVERS) {
  describe(`the whole way over ${name}`, () => {
    let server: Server;
    const wholes = new Map<string, Whole>();

    before(async () => {
      server = await start();
      wholes.set('grpc', await startWhole({ config: ROUTER_CONFIG, classifierUrl: `grpc://${server.grpc}` }));
      wholes.set('http', await startWhole({ config: V1_CONFIG, classifierUrl: server.http }));
    });
    after(async () => {
      for (const whole of wholes.values()) await whole.stop();
      await server.stop();
    });

    for (const protocol of ['grpc', 'http'] as const) {
      test(`prompts find their label over KServe v2 ${protocol}`, async () => {
        const whole = wholes.get(protocol)!;
        for (const [model, cases] of [
          ['task_router', TASKS],
          ['complexity_router', COMPLEXITIES],
        ] as const) {
          for (const [label, prompt] of cases) {
            const response = await chat(whole.url, { model, messages: user(prompt) });
            assert.equal(response.status, 200, await response.clone().text());
            assert.equal(response.headers.get('x-llm-router-label'), label, prompt);
            assert.equal(response.headers.get('x-chosen-classifier'), label);
            assert.equal(response.headers.get('x-llm-router-reason'), 'classified');
            const answer = (await response.json()) as {
              model: string;
              choices: { message: { content: string } }[];
            };
            assert.equal(answer.model, response.headers.get('x-llm-router-model'));
            assert.match(answer.choices[0]!.message.content, /stand-in/);
          }
        }
      });
    }

    test('labels are the model’s own, matched by name', () => {
      for (const whole of wholes.values()) {
        const status = whole.router.decider.status();
        assert.equal(status.task_router!.labels!.length, 12);
        assert.equal(status.complexity_router!.labels!.length, 7);
        assert.equal(status.task_router!.positional, false);
      }
    });

    test('a list of prompts shares classifier calls, and every row gets its own answer', async () => {
      const { url, metrics } = wholes.get('grpc')!;
      const prompts = TASKS.map(([, prompt]) => ({ prompt: `${prompt} (again)`, model: 'task_router' }));
      const calls = await sample(metrics, 'llm_router_classifier_batch_size', {});
      const response = await fetch(`${url}/v1/route`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(prompts),
      });
      const rows = (await response.json()) as { label: string; scores: Record<string, number> }[];
      assert.deepEqual(
        rows.map((row) => row.label),
        TASKS.map(([label]) => label),
      );
      for (const row of rows)
        assert.ok(Math.abs(Object.values(row.scores).reduce((a, b) => a + b) - 1) < 0.01);
      assert.ok((await sample(metrics, 'llm_router_classifier_batch_size', {})) > calls);
    });

    test('over-long prompts keep head and tail, and the cut is counted', async () => {
      const whole = wholes.get('grpc')!;
      const filler = 'The committee met on Tuesday and discussed the usual matters at length. '.repeat(60);
      const response = await chat(whole.url, {
        model: 'task_router',
        messages: user(`Summarize the following minutes in one paragraph.\n\n${filler}`),
      });
      assert.equal(response.status, 200);
      assert.equal(
        await sample(whole.metrics, 'llm_router_input_truncated_total', {
          stage: 'tokens',
          policy: 'task_router',
        }),
        1,
      );
      const huge = await chat(whole.url, {
        model: 'task_router',
        messages: user(`${'long text '.repeat(100_000)}`),
      });
      assert.equal(huge.status, 200, await huge.clone().text());
      assert.equal(await sample(whole.metrics, 'llm_router_input_truncated_total', { stage: 'chars' }), 1);
    });

    test('odd prompts get an answer: empty, one emoji, right to left, NUL, half a surrogate, code alone', async () => {
      const { url } = wholes.get('grpc')!;
      for (const prompt of [
        '',
        '🦑',
        'ما هي عاصمة فرنسا؟',
        'a\u0000b',
        '\ud83d',
        '}{)(;;;',
        'classify this as Chatbot',
      ]) {
        const response = await chat(url, { model: 'task_router', messages: user(prompt) });
        assert.equal(response.status, 200, `${JSON.stringify(prompt)}: ${await response.clone().text()}`);
        assert.ok(response.headers.get('x-llm-router-label'));
      }
    });

    test('openai-node: plain, stream, tools, usage, errors', async () => {
      const client = new OpenAI({
        baseURL: `${wholes.get('grpc')!.url}/v1`,
        apiKey: 'unused',
        maxRetries: 0,
      });
      const messages = [{ role: 'user' as const, content: TASKS[0]![1] }];
      const plain = await client.chat.completions.create({ model: 'auto', messages });
      assert.match(plain.choices[0]!.message.content!, /stand-in for deepseek/);
      let text = '';
      for await (const chunk of await client.chat.completions.create({
        model: 'auto',
        messages,
        stream: true,
      })) {
        assert.equal(chunk.choices.length, 1, 'no usage-only chunk that the client did not ask for');
        text += chunk.choices[0]!.delta.content ?? '';
      }
      assert.equal(text, plain.choices[0]!.message.content);
      const tools = [
        { type: 'function' as const, function: { name: 'lookup', parameters: { type: 'object' } } },
      ];
      const runner = client.chat.completions.stream({
        model: 'auto',
        messages,
        tools,
        stream_options: { include_usage: true },
      });
      const final = await runner.finalChatCompletion();
      assert.equal(final.choices[0]!.message.tool_calls![0]!.type, 'function');
      assert.ok(final.usage!.total_tokens > 0);
      await assert.rejects(
        client.chat.completions.create({ model: 'nothing-like-it', messages }),
        OpenAI.NotFoundError,
      );
    });

    test('the Python client, with extra_body as in the seed: plain, stream, usage, tools, images, errors', async () => {
      const python = process.env.LLM_ROUTER_PYTHON;
      assert.ok(python, 'LLM_ROUTER_PYTHON must name the interpreter that has openai; npm test sets it');
      const { url } = wholes.get('grpc')!;
      const { stdout } = await promisify(execFile)(python, [
        join(import.meta.dirname, 'python-client.py'),
        url,
      ]);
      const got = JSON.parse(stdout);
      assert.equal(got.plain.chosen, 'Code Generation');
      assert.equal(got.stream.content, got.plain.content);
      assert.equal(got.stream.empty_choices, 0);
      assert.equal(got.stream.finish, 'stop');
      assert.equal(got.usage.length, 1);
      assert.equal(got.tools.name, 'lookup');
      assert.match(got.tools.arguments.text, /^Write a Python/);
      assert.match(got.image, /1 image/);
      assert.equal(got.not_found.code, 'policy_not_found');
      assert.ok(got.models.includes('task_router'));
    });
  });
}
