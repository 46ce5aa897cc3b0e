/** Conversations: whose they are, where they stay, and when they move. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../config/index.ts';
import { createLog, createMetrics } from '../../observe/index.ts';
import type { CallOutcome, RoutedRequest } from '../../request.ts';
import type { ModelClient } from '../classify/model-client.ts';
import { Decider } from '../decider.ts';
import { inputOf, type Made } from '../testing.ts';

const LABELS = ['Chat', 'Code'];
const config = (sticky = '', ranks = true) =>
  parseConfig(
    `
targets:
  - { name: small, api_base: "http://small", model: s }
  - { name: large, api_base: "http://large", model: l }
  - { name: spare, api_base: "http://spare", model: x }
policies:
  - name: tasks
    url: grpc://t:1/tasks
    ${sticky}
    rules: [{ when: { header: { x-now: large } }, target: large }]
    llms:
      - { name: Chat, target: small, fallbacks: [spare] }
      - { name: Code, target: large, fallbacks: [spare]${ranks ? ', rank: 1' : ''} }
  - name: other
    url: grpc://t:1/other
    llms: [{ name: Chat, target: small }, { name: Code, target: small }]
`,
    't.yaml',
  );

/** "code" anywhere in the text is Code, everything else Chat. */
async function world(table = config()) {
  let now = 1_000_000;
  const connect = (): ModelClient => ({
    address: 'scripted',
    describe: async () => ({
      version: '1',
      labels: LABELS,
      size: 2,
      maxBatch: 8,
      hasTokenCount: false,
      tokenLimit: null,
      scoreNames: [],
    }),
    infer: async (texts) => ({
      modelVersion: '1',
      answers: texts.map((text) => ({
        output: text.includes('code') ? [0.05, 0.95] : [0.95, 0.05],
        tokenCount: null,
        scores: null,
      })),
    }),
    close: () => {},
  });
  const decider = new Decider({
    config: table,
    metrics: createMetrics(),
    log: createLog({ level: 'error' }),
    connect,
    now: () => now,
    random: () => 0,
  });
  await decider.start();
  const targets = [...table.table.targets.values()];
  /** One request, answered by the first target or by this one. */
  const turn = async (asked: Parameters<typeof inputOf>[1], made: Made & { answeredBy?: string } = {}) => {
    const input = inputOf(table, asked, made);
    const decision = await decider.decideInput(input);
    const target = made.answeredBy
      ? targets.find(({ name }) => name === made.answeredBy)!
      : decision.targets[0]!;
    const outcome = { target, status: 200 } as unknown as CallOutcome;
    await decider.noteOutcome({ ...input, decision, outcome } as unknown as RoutedRequest);
    return [decision.entry.name, decision.targets[0]!.name, decision.reason] as const;
  };
  const rest = (ms: number) => {
    now += ms;
  };
  return { turn, rest, close: () => decider.close() };
}

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const system = (content: string) => ({ role: 'system', content });
const chat = (...messages: unknown[]) => ({ messages });
const session = (name: string) => ({ headers: { 'x-session-id': name } });

describe('a conversation', () => {
  test('stays where it is, moves up when the work gets harder, and not down', async () => {
    const { turn, close } = await world();
    const opening = [user('hello'), assistant('hi!')];
    assert.deepEqual(await turn(chat(user('hello'))), ['Chat', 'small', 'classified']);
    assert.deepEqual(await turn(chat(...opening, user('some code please'))), ['Code', 'large', 'classified']);
    const more = [...opening, user('some code please'), assistant('…')];
    assert.deepEqual(await turn(chat(...more, user('tell me about your day'))), ['Code', 'large', 'pinned']);
    close();
  });

  test('of two people who begin alike is two, also when a service calls for both', async () => {
    const { turn, close } = await world();
    const shop = system('You are the assistant of a shop');
    assert.deepEqual((await turn(chat(shop, user('Hello'), assistant('Hi!'), user('some code'))))[0], 'Code');
    assert.deepEqual(
      await turn(chat(shop, user('Hello'), assistant('Hi! How can I help?'), user('how was your day?'))),
      ['Chat', 'small', 'classified'],
    );
    close();
  });

  test('a clock or other documents in the system prompt change nothing', async () => {
    const { turn, close } = await world();
    const opening = [user('some code'), assistant('ok')];
    await turn(chat(system('Time: 10:00:01'), user('some code')));
    assert.deepEqual(await turn(chat(system('Time: 10:00:09'), ...opening, user('looks good to me'))), [
      'Code',
      'large',
      'pinned',
    ]);
    close();
  });

  test('an end user is no conversation', async () => {
    const { turn, close } = await world();
    await turn({ ...chat(user('some code')), user: 'alice' });
    assert.deepEqual((await turn({ ...chat(user('Hello! How are you?')), user: 'alice' }))[2], 'classified');
    close();
  });

  test('is known by the names that clients give it, each caller’s apart', async () => {
    for (const name of ['x-claude-code-session-id', 'session_id', 'x-opencode-session']) {
      const made = { headers: { [name]: '0b6c' } };
      const { turn, close } = await world();
      await turn('some code', made);
      assert.equal((await turn('hello there', made))[2], 'pinned');
      assert.equal((await turn('hello there', { ...made, caller: { id: 'key_b' } }))[2], 'classified');
      assert.equal((await turn('hello there', { ...made, caller: { tenant: 'bravo' } }))[2], 'classified');
      close();
    }
    const { turn, close } = await world();
    const body = (text: string) => ({ ...chat(user(text)), metadata: { session_id: 'm' } });
    await turn(body('some code'));
    assert.equal((await turn(body('hello there')))[2], 'pinned');
    close();
  });

  test('a cache key that many share does not join them', async () => {
    const { turn, close } = await world();
    const body = (...messages: unknown[]) => ({ ...chat(...messages), prompt_cache_key: 'app' });
    await turn(body(user('some code')));
    await turn(body(user('some code'), assistant('ok'), user('and more')));
    assert.equal((await turn(body(user('hello'), assistant('hi'), user('how are you'))))[2], 'classified');
    assert.equal(
      (
        await turn(
          body(user('some code'), assistant('ok'), user('and more'), assistant('…'), user('fine by me')),
        )
      )[2],
      'pinned',
    );
    close();
  });

  test('a sub-agent is one of its own, named or not', async () => {
    const { turn, close } = await world();
    const tools = (...names: string[]) => names.map((name) => ({ type: 'function', function: { name } }));
    const parent = { ...chat(system('You lead.'), user('some code')), tools: tools('Bash', 'Task') };
    const child = { ...chat(system('You search files.'), user('find it')), tools: tools('Grep') };
    await turn(parent, session('s'));
    assert.equal((await turn(child, session('s')))[2], 'classified');
    assert.equal(
      (await turn({ ...parent, messages: [system('You lead.'), user('find it')] }, session('s')))[2],
      'pinned',
    );
    const named = { headers: { 'x-session-id': 's', 'x-claude-code-agent-id': 'a1' } };
    assert.equal((await turn('find it', named))[2], 'classified');
    close();
  });

  test('is not moved by side requests, nor by what was asked for by hand', async () => {
    const { turn, close } = await world();
    const history = '<chat_history>\nUSER: some code\nASSISTANT: ok\n</chat_history>';
    const title = chat(user(`Generate a title summarizing the chat history, with code.\n${history}`));
    assert.equal((await turn(title, session('s')))[0], 'Code');
    await turn('hi', { ...session('s'), extension: { strategy: 'manual', model: 'Code' } });
    assert.deepEqual(await turn('hello there', session('s')), ['Chat', 'small', 'classified']);
    assert.deepEqual((await turn(title, session('s')))[2], 'classified');
    close();
  });

  test('keeps its target through a tool loop in every dialect, and moves with the next human turn', async () => {
    const results = [
      [assistant(null), { role: 'tool', content: 'code' }],
      [assistant('x'), user([{ type: 'tool_result', content: 'code' }])],
      [assistant('<read_file/>'), user('[read_file for a] Result:\n\ncode')],
    ];
    for (const loop of results) {
      const { turn, close } = await world();
      await turn(chat(user('hello')), session('s'));
      assert.deepEqual((await turn(chat(user('hello'), ...loop), session('s'))).slice(0, 2), [
        'Chat',
        'small',
      ]);
      assert.equal(
        (
          await turn(
            chat(user('hello'), ...loop, assistant('done'), user('now some code, please')),
            session('s'),
          )
        )[0],
        'Code',
      );
      close();
    }
  });

  test('goes by its label where no order of the entries is known', async () => {
    const { turn, close } = await world(config('', false));
    await turn('Hello!', session('s'));
    assert.deepEqual(await turn('write me some code', session('s')), ['Code', 'large', 'classified']);
    assert.deepEqual(await turn('a long story about a dog and a cat', session('s')), [
      'Chat',
      'small',
      'classified',
    ]);
    close();
  });

  test('an operator’s order goes before it, once', async () => {
    const { turn, close } = await world();
    await turn('hello', session('s'));
    assert.deepEqual(await turn('hello', { headers: { 'x-session-id': 's', 'x-now': 'large' } }), [
      'Code',
      'large',
      'rule',
    ]);
    close();
  });

  test('is not kept where the policy says so', async () => {
    const { turn, close } = await world(config('sticky: { enabled: false }'));
    await turn('some code', session('s'));
    assert.equal((await turn('hello', session('s')))[2], 'classified');
    close();
  });
});

describe('after a failure', () => {
  test('the next turn goes back to the first target', async () => {
    const { turn, close } = await world();
    await turn('some code', { ...session('s'), answeredBy: 'spare' });
    assert.deepEqual((await turn('some more code', session('s'))).slice(0, 2), ['Code', 'large']);
    close();
  });

  test('one that has settled elsewhere goes back when it has rested', async () => {
    const { turn, rest, close } = await world(config('sticky: { rest_ms: 60000 }'));
    for (let n = 0; n < 2; n++) await turn('some code', { ...session('s'), answeredBy: 'spare' });
    assert.equal((await turn('some code', session('s')))[1], 'spare');
    rest(30_000);
    assert.equal((await turn('some code', session('s')))[1], 'spare');
    rest(60_001);
    assert.equal((await turn('some code', session('s')))[1], 'large');
    assert.equal((await turn('some code', session('s')))[1], 'large');
    close();
  });
});

describe('a canary', () => {
  test('has a conversation on one side with all its turns, kept or not', async () => {
    for (const sticky of ['', 'sticky: { enabled: false }']) {
      const table = config(`${sticky}\n    canary: { policy: other, share: 0.5 }`);
      const { made, sides } = await sidesOf(table);
      assert.equal(new Set(sides).size, 2, 'both sides have some');
      for (const [before, after] of made) assert.equal(after, before);
    }
  });
});

async function sidesOf(table: ReturnType<typeof config>) {
  const decider = new Decider({
    config: table,
    metrics: createMetrics(),
    log: createLog({ level: 'error' }),
    connect: () => ({
      address: 'scripted',
      describe: async () => ({
        version: '1',
        labels: LABELS,
        size: 2,
        maxBatch: 8,
        hasTokenCount: false,
        tokenLimit: null,
        scoreNames: [],
      }),
      infer: async (texts) => ({
        modelVersion: '1',
        answers: texts.map(() => ({ output: [0.9, 0.1], tokenCount: null, scores: null })),
      }),
      close: () => {},
    }),
  });
  await decider.start();
  const side = async (...args: [Parameters<typeof inputOf>[1], Made?]) =>
    (await decider.decideInput(inputOf(table, args[0], args[1]))).policy.name;
  const made: [string, string][] = [];
  for (let n = 0; n < 20; n++) {
    const opening = user(`hello ${n}`);
    made.push([
      await side(chat(opening)),
      await side(chat(opening, assistant('hi'), user('and then?'), assistant('…'), user('more'))),
    ]);
    made.push([await side('one', session(`s${n}`)), await side('two', session(`s${n}`))]);
  }
  decider.close();
  return { made, sides: made.map(([first]) => first) };
}
