/** Every row of v1's contract, in our better form. The classifier is scripted: what it says is not the matter here. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ClassifierError } from '../src/decide/classify/model-client.ts';
import { chat, favour, scriptedClassifier, startWhole, user, V1_CONFIG, type Whole } from './harness.ts';

const LABELS = [
  'Brainstorming',
  'Chatbot',
  'Classification',
  'Closed QA',
  'Code Generation',
  'Extraction',
  'Open QA',
  'Other',
  'Rewrite',
  'Summarization',
  'Text Generation',
  'Unknown',
];
const COMPLEXITY = [
  'Creativity',
  'Reasoning',
  'Contextual-Knowledge',
  'Few-Shot',
  'Domain-Knowledge',
  'No-Label-Reason',
  'Constraint',
];

/** The texts that the classifier was asked for. */
const asked: string[] = [];

function classifier(labels: readonly string[]) {
  return scriptedClassifier(labels, (text) => {
    asked.push(text);
    if (text.includes('CLASSIFIER DOWN'))
      throw new ClassifierError('unavailable', 'scripted: connection refused');
    if (text.includes('UNSURE')) return favour(labels, labels[4]!, 0.3);
    return favour(labels, labels[4]!);
  });
}

function connect() {
  const order = [classifier(LABELS), classifier(COMPLEXITY)];
  return () => order.shift()!;
}

async function error(
  response: Response,
): Promise<{ message: string; type: string; param: string | null; code: string }> {
  const body = (await response.json()) as { error: Record<string, unknown> };
  assert.deepEqual(Object.keys(body.error).sort(), ['code', 'message', 'param', 'type']);
  assert.match(response.headers.get('content-type') ?? '', /application\/json/);
  return body.error as never;
}

describe('v1’s contract', () => {
  let plain: Whole;
  let richer: Whole;

  before(async () => {
    plain = await startWhole({ config: V1_CONFIG, connect: connect() });
    const withFallback = V1_CONFIG.replace(
      '- name: "task_router"',
      '- name: "task_router"\n    fallback: Chatbot',
    );
    richer = await startWhole({ config: `default_policy: task_router\n${withFallback}`, connect: connect() });
  });
  after(() => Promise.all([plain.stop(), richer.stop()]));

  const post = (extension: unknown, extra: object = {}, whole = plain) =>
    chat(whole.url, {
      model: '',
      messages: user('hello there'),
      ...(extension !== undefined && { 'nim-llm-router': extension }),
      ...extra,
    });

  test('policy is required when there is no default policy', async () => {
    const response = await post({ routing_strategy: 'triton' });
    assert.equal(response.status, 400);
    assert.match((await error(response)).message, /policy.*task_router, complexity_router/);
    const bare = await post(undefined);
    assert.equal(bare.status, 400);
  });

  test('policy is trimmed, and the default policy is used when none is named', async () => {
    const trimmed = await post({ policy: '  task_router ' });
    assert.equal(trimmed.headers.get('x-llm-router-policy'), 'task_router');
    const byDefault = await post({}, {}, richer);
    assert.equal(byDefault.headers.get('x-llm-router-policy'), 'task_router');
  });

  test('an absent routing_strategy is triton', async () => {
    const response = await post({ policy: 'task_router' });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-chosen-classifier'), 'Code Generation');
    assert.equal(response.headers.get('x-llm-router-reason'), 'classified');
    assert.equal(response.headers.get('x-llm-router-confidence'), '0.9000');
    assert.equal(response.headers.get('x-llm-router-model'), 'deepseek-ai/deepseek-r1');
  });

  test('manual routes by entry name, and by upstream model id', async () => {
    const byName = await post({ policy: 'task_router', routing_strategy: 'manual', model: 'Rewrite' });
    assert.equal(byName.headers.get('x-chosen-classifier'), 'Rewrite');
    assert.equal(byName.headers.get('x-llm-router-reason'), 'manual');
    const byModel = await post({
      policy: 'task_router',
      routing_strategy: 'manual',
      model: 'deepseek-ai/deepseek-r1',
    });
    assert.equal(byModel.headers.get('x-llm-router-model'), 'deepseek-ai/deepseek-r1');
  });

  test('manual with an unknown model is 404 in v1’s words', async () => {
    const response = await post({ policy: 'task_router', routing_strategy: 'manual', model: 'nobody' });
    assert.equal(response.status, 404);
    const told = await error(response);
    assert.match(told.message, /^Model not found: nobody/);
    assert.equal(told.code, 'model_not_found');
  });

  test('manual without a model is 400 and names the field', async () => {
    for (const model of [undefined, '', null]) {
      const response = await post({ policy: 'task_router', routing_strategy: 'manual', model });
      assert.equal(response.status, 400);
      assert.equal((await error(response)).param, 'nim-llm-router.model');
    }
  });

  test('an unknown policy is 404 in v1’s words, with the nearest right one', async () => {
    const response = await post({ policy: 'task_routr' });
    assert.equal(response.status, 404);
    const told = await error(response);
    assert.match(told.message, /^Policy 'task_routr' not found/);
    assert.match(told.message, /Did you mean 'task_router'\?/);
  });

  test('bad parameters are 400 and say which field and what it may be', async () => {
    const cases: [unknown, string, RegExp][] = [
      ['task_router', 'nim-llm-router', /must be an object/],
      [{ policy: 7 }, 'nim-llm-router.policy', /must be a string/],
      [
        { policy: 'task_router', routing_strategy: 'random' },
        'nim-llm-router.routing_strategy',
        /"triton" or "manual"/,
      ],
      [{ policy: 'task_router', threshold: 2 }, 'nim-llm-router.threshold', /from 0 to 1/],
      [{ policy: 'task_router', treshold: 0.5 }, 'nim-llm-router.treshold', /Did you mean 'threshold'\?/],
    ];
    for (const [extension, param, words] of cases) {
      const response = await post(extension);
      assert.equal(response.status, 400, JSON.stringify(extension));
      const told = await error(response);
      assert.equal(told.param, param);
      assert.match(told.message, words);
    }
    for (const messages of [undefined, 'hello', [], ['hello'], [{ content: 'x' }]]) {
      const response = await post({ policy: 'task_router' }, { messages });
      assert.equal(response.status, 400, JSON.stringify(messages));
      assert.match((await error(response)).param ?? '', /^messages/);
    }
  });

  test('bad JSON is 400 and says where it broke off', async () => {
    const response = await fetch(`${plain.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"model": ',
    });
    assert.equal(response.status, 400);
    assert.equal((await error(response)).code, 'invalid_json');
  });

  test('threshold: below it the fallback entry; without one the label stands and the reason says so', async () => {
    const ask = (whole: Whole, threshold: number | null) =>
      chat(whole.url, {
        model: '',
        messages: user('UNSURE'),
        'nim-llm-router': { policy: 'task_router', threshold },
      });
    const stands = await ask(plain, 0.5);
    assert.equal(stands.headers.get('x-chosen-classifier'), 'Code Generation');
    assert.equal(stands.headers.get('x-llm-router-reason'), 'low_confidence');
    const falls = await ask(richer, 0.5);
    assert.equal(falls.headers.get('x-chosen-classifier'), 'Chatbot');
    assert.equal(falls.headers.get('x-llm-router-label'), 'Code Generation');
    assert.equal(falls.headers.get('x-llm-router-reason'), 'low_confidence_fallback');
    const sure = await ask(richer, 0.2);
    assert.equal(sure.headers.get('x-chosen-classifier'), 'Code Generation');
  });

  test('classifier away: the fallback entry, or 503 with an OpenAI error', async () => {
    const body = {
      model: '',
      messages: user('CLASSIFIER DOWN'),
      'nim-llm-router': { policy: 'task_router' },
    };
    const degraded = await chat(richer.url, body);
    assert.equal(degraded.status, 200);
    assert.equal(degraded.headers.get('x-chosen-classifier'), 'Chatbot');
    assert.equal(degraded.headers.get('x-llm-router-reason'), 'classifier_error_fallback');
    const refused = await chat(plain.url, body);
    assert.equal(refused.status, 503);
    assert.equal((await error(refused)).code, 'classifier_unavailable');
    assert.ok(refused.headers.get('retry-after'));
  });

  test('an upstream error passes through with its status and body, and x-chosen-classifier', async () => {
    const failing = await startWhole({
      config: V1_CONFIG,
      connect: connect(),
      llms: { fault: ({ body }) => ({ kind: 'status', status: Number(body.user), retryAfter: null }) },
    });
    try {
      for (const status of [400, 422, 429, 500]) {
        const response = await chat(failing.url, {
          model: '',
          user: String(status),
          messages: user('hi'),
          'nim-llm-router': { policy: 'task_router' },
        });
        assert.equal(response.status, status);
        assert.equal(response.headers.get('x-chosen-classifier'), 'Code Generation');
        assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'stand_in');
      }
    } finally {
      await failing.stop();
    }
  });

  test('an upstream that refuses connections is 502 with an OpenAI error', async () => {
    const config = V1_CONFIG.replaceAll('https://integrate.api.nvidia.com', 'http://127.0.0.1:9');
    const lost = await startWhole({ config, connect: connect(), standIns: false });
    try {
      const response = await chat(lost.url, {
        model: '',
        messages: user('hi'),
        'nim-llm-router': { policy: 'task_router' },
      });
      assert.equal(response.status, 502);
      const told = await error(response);
      assert.equal(told.code, 'upstream_error');
      assert.match(told.message, /deepseek-ai\/deepseek-r1/);
      assert.equal(response.headers.get('x-should-retry'), 'false');
      assert.equal(response.headers.get('x-chosen-classifier'), 'Code Generation');
    } finally {
      await lost.stop();
    }
  });

  test('the last user message is classified; parts are joined, tool turns and images fall back to user text', async () => {
    const cases: [unknown[], string][] = [
      [[...user('first'), { role: 'assistant', content: 'answer' }, ...user('second')], 'second'],
      [
        [
          ...user('the question'),
          { role: 'assistant', content: null, tool_calls: [] },
          { role: 'tool', tool_call_id: 'c', content: '42' },
        ],
        'the question',
      ],
      [
        user([
          { type: 'text', text: 'what is' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'text', text: 'this?' },
        ]),
        'what is\nthis?',
      ],
      [
        [...user('describe it'), ...user([{ type: 'image_url', image_url: { url: 'data:,' } }])],
        'describe it',
      ],
      [[{ role: 'system', content: 'be nice' }, ...user(null)], ''],
    ];
    for (const [messages, text] of cases) {
      asked.length = 0;
      const response = await chat(plain.url, {
        model: '',
        messages,
        'nim-llm-router': { policy: 'complexity_router' },
      });
      assert.equal(response.status, 200, await response.clone().text());
      assert.deepEqual(asked, [text]);
    }
  });

  test('the extension is stripped, the model overwritten, every other field goes upstream unchanged', async () => {
    const extra = {
      temperature: 0.1,
      metadata: { a: [1, null, 'ü'] },
      made_up_field: { deep: [true] },
      seed: 2 ** 40,
    };
    await (await post({ policy: 'task_router', routing_strategy: 'manual', model: 'Rewrite' }, extra)).text();
    const seen = plain.llms.seen.at(-1)!;
    assert.deepEqual(seen.body, {
      model: 'meta/llama-3.1-8b-instruct',
      messages: user('hello there'),
      ...extra,
    });
    assert.equal(seen.path, '/v1/chat/completions');
    assert.equal(seen.headers.authorization, 'Bearer stand-in');
  });

  test('virtual models: a policy’s name, auto, and a model of the default policy', async () => {
    const named = await chat(plain.url, { model: 'complexity_router', messages: user('hi') });
    assert.equal(named.headers.get('x-llm-router-policy'), 'complexity_router');
    const auto = await chat(richer.url, { model: 'auto', messages: user('hi') });
    assert.equal(auto.headers.get('x-llm-router-policy'), 'task_router');
    const direct = await chat(richer.url, { model: 'meta/llama-3.1-8b-instruct', messages: user('hi') });
    assert.equal(direct.headers.get('x-llm-router-reason'), 'manual');
    const unknown = await chat(richer.url, { model: 'gpt-9', messages: user('hi') });
    assert.equal(unknown.status, 404);
    assert.equal((await error(unknown)).code, 'model_not_found');
  });

  test('POST /completions, GET /health, /config, /metrics, /v1/models', async () => {
    const legacy = await chat(
      plain.url,
      { model: '', messages: user('hi'), 'nim-llm-router': { policy: 'task_router' } },
      { path: '/completions' },
    );
    assert.equal(legacy.status, 200);
    assert.equal(plain.llms.seen.at(-1)!.path, '/completions');
    assert.deepEqual(await (await fetch(`${plain.url}/health`)).json(), { status: 'OK' });
    const config = await (await fetch(`${plain.url}/config`)).text();
    assert.match(config, /"api_key":"\[REDACTED\]"/);
    assert.doesNotMatch(config, /nvapi/);
    const metrics = await (await fetch(`${plain.url}/metrics`)).text();
    for (const name of [
      'num_requests',
      'requests_per_policy',
      'requests_per_model',
      'request_latency_seconds',
      'request_success_total',
      'request_failure_total',
      'routing_policy_usage',
      'model_selection_time_seconds',
      'llm_response_time_seconds',
      'llm_token_usage',
      'proxy_overhead_latency_seconds',
    ]) {
      assert.match(metrics, new RegExp(`^# TYPE ${name} `, 'm'));
    }
    const models = (await (await fetch(`${richer.url}/v1/models`)).json()) as {
      object: string;
      data: { id: string; object: string }[];
    };
    assert.equal(models.object, 'list');
    assert.deepEqual(
      models.data.slice(0, 3).map((m) => m.id),
      ['task_router', 'complexity_router', 'auto'],
    );
  });

  test('wrong paths, methods and content types are OpenAI errors', async () => {
    const path = await fetch(`${plain.url}/v2/nothing`);
    assert.equal(path.status, 404);
    assert.equal((await error(path)).code, 'not_found');
    const method = await fetch(`${plain.url}/v1/chat/completions`);
    assert.equal(method.status, 405);
    assert.equal(method.headers.get('allow'), 'POST');
    const type = await fetch(`${plain.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{}',
    });
    assert.equal(type.status, 415);
    await type.text();
  });

  test('keys and prompts stay out of logs and answers', async () => {
    const secret = 'sk-client-secret-0123456789';
    const response = await chat(
      plain.url,
      { model: 'task_router', messages: user('a very private prompt') },
      { headers: { authorization: `Bearer ${secret}` } },
    );
    await response.text();
    const config = await (await fetch(`${plain.url}/config`)).text();
    const metrics = await (await fetch(`${plain.url}/metrics`)).text();
    for (const text of [plain.logged(), config, metrics, JSON.stringify([...response.headers])]) {
      assert.doesNotMatch(text, /sk-client-secret|nvapi-test-key|very private prompt/);
    }
    assert.doesNotMatch(JSON.stringify(plain.llms.seen.at(-1)!.headers), /sk-client-secret/);
  });
});
