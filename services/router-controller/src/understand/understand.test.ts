/** Requests in the shapes that clients send: what is asked, what they are, whose they are. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { identitySchema } from '../config/schema-identity.ts';
import { anyJson } from '../testing.ts';
import { type LanguageReading, type RequestFacts, understand } from './index.ts';

const settings = { prompt: { turns: 1, max_chars: 8_000 }, identity: identitySchema.parse({}) };
const facts = (
  body: Record<string, unknown>,
  path = '/v1/chat/completions',
  headers: Record<string, string> = {},
): RequestFacts => understand({ body, path, headers }, settings);
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const system = (content: unknown) => ({ role: 'system', content });
const chat = (...messages: unknown[]) => ({ messages });
const tool = (name: string) => ({ type: 'function', function: { name, parameters: {} } });
const REMINDER = '<system-reminder>\nThe list of things to do has changed.\n</system-reminder>';

describe('the ask', () => {
  const cases: readonly (readonly [
    what: string,
    body: Record<string, unknown>,
    text: string,
    source: string,
  ])[] = [
    ['the last words of a user', chat(user('first'), assistant('answer'), user('second')), 'second', 'user'],
    [
      'text parts of any spelling',
      chat(user([{ type: 'text', text: 'a' }, { type: 'input_text', text: 'b' }, 'c', null])),
      'a\nb\nc',
      'user',
    ],
    [
      'past a tool’s result',
      chat(user('do it'), assistant(null), { role: 'tool', content: 'x' }),
      'do it',
      'earlier_user',
    ],
    [
      'past a result in the user’s role',
      chat(
        user('do it'),
        assistant([{ type: 'tool_use', id: 't', name: 'Bash', input: {} }]),
        user([{ type: 'tool_result', tool_use_id: 't', content: 'output' }]),
      ),
      'do it',
      'earlier_user',
    ],
    [
      'past a result of a text protocol',
      chat(
        user('<task>\nadd a coupon\n</task>'),
        assistant('<read_file/>'),
        user("[read_file for 'a.ts'] Result:\n\n1 code"),
      ),
      'add a coupon',
      'earlier_user',
    ],
    [
      'past an observation',
      chat(
        user('solve it'),
        assistant('```bash\nls\n```'),
        user('<returncode>0</returncode>\n<output>\na b\n</output>'),
      ),
      'solve it',
      'earlier_user',
    ],
    [
      'past output in capitals',
      chat(user('solve it'), assistant('run'), user('OBSERVATION:\nfile not found')),
      'solve it',
      'earlier_user',
    ],
    ['past a reminder alone', chat(user('do it'), assistant('…'), user(REMINDER)), 'do it', 'earlier_user'],
    [
      'without the reminder before it',
      chat(
        user([
          { type: 'text', text: REMINDER },
          { type: 'text', text: 'do it' },
        ]),
      ),
      'do it',
      'user',
    ],
    [
      'past a canned “continue”',
      chat(
        user('mend the build'),
        assistant('…'),
        user('Please continue working on the task on whatever approach you think is suitable.'),
      ),
      'mend the build',
      'earlier_user',
    ],
    [
      'past a note of the client',
      chat(user('do it'), assistant('…'), user('[Request interrupted by user]')),
      'do it',
      'earlier_user',
    ],
    [
      'past a result whose head is a part of its own',
      chat(
        user('<task>\nadd paging\n</task>'),
        assistant('<read_file/>'),
        user([
          { type: 'text', text: "[read_file for 'a.py'] Result:" },
          { type: 'text', text: 'def orders(): pass' },
          { type: 'text', text: '<environment_details>\n# Mode\n</environment_details>' },
        ]),
      ),
      'add paging',
      'earlier_user',
    ],
    [
      'what a human answers within a result',
      chat(
        user('<task>\nadd paging\n</task>'),
        assistant('<attempt_completion/>'),
        user([
          {
            type: 'text',
            text: '[attempt_completion] Result:\nThe user has feedback.\n<feedback>\ntwenty a page\n</feedback>',
          },
        ]),
      ),
      'twenty a page',
      'user',
    ],
    [
      'an answer in the part behind the head of a result',
      chat(
        user('deploy it'),
        assistant('<ask/>'),
        user([
          { type: 'text', text: "[ask for 'where?'] Result:" },
          { type: 'text', text: '<answer>\nto staging\n</answer>' },
        ]),
      ),
      'to staging',
      'user',
    ],
    [
      'mark-up in the middle of a result is no human’s',
      chat(user('read it'), assistant('…'), user('[read] Result:\n<answer>42</answer>\nend of file')),
      'read it',
      'earlier_user',
    ],
    [
      'past a hook’s feedback',
      chat(user('do it'), assistant('done'), user('Stop hook feedback:\n- 2 tests failed')),
      'do it',
      'earlier_user',
    ],
    [
      'past a note with a heading in capitals',
      chat(user('do it'), assistant('…'), user('[TASK RESUMPTION] It was interrupted 5 minutes ago.')),
      'do it',
      'earlier_user',
    ],
    [
      'a person’s own brackets',
      chat(user('do it'), assistant('…'), user('[URGENT] the login is broken')),
      '[URGENT] the login is broken',
      'user',
    ],
    [
      'past a shell that waits',
      chat(user('do it'), assistant('ls'), user('a.py b.py\n(Current directory: /repo)\n$')),
      'do it',
      'earlier_user',
    ],
    [
      'what stands behind a command’s name',
      chat(user('<command-name>/fix</command-name>\n<command-args>the crash</command-args>')),
      'the crash',
      'user',
    ],
    [
      'past another model’s summary',
      chat(user('add a theme'), user('Another language model worked on this and made a summary: half done.')),
      'add a theme',
      'user',
    ],
    [
      'an instruction whose form is one tool that has to be called',
      {
        ...chat(system('Extract the invoice.'), user('Invoice 44, 30 EUR')),
        tools: [tool('Invoice')],
        tool_choice: { type: 'function', function: { name: 'Invoice' } },
      },
      'Text: Invoice 44, 30 EUR\n\nExtract the invoice.',
      'system+user',
    ],
    [
      'an instruction whose form is the only tool, and one is required',
      {
        ...chat(system('Extract the invoice.'), user('Invoice 44, 30 EUR')),
        tools: [tool('Invoice')],
        tool_choice: 'required',
      },
      'Text: Invoice 44, 30 EUR\n\nExtract the invoice.',
      'system+user',
    ],
    [
      'a summary without the client’s words around it',
      chat(
        user(
          'This session is being continued from a previous conversation. It is summarized below:\n' +
            'The tests are being ported, 12 of 30 are done.\nPlease continue from where we left off.',
        ),
      ),
      'The tests are being ported, 12 of 30 are done.',
      'summary',
    ],
    [
      'without the hour',
      chat(user('<current_datetime>22:00</current_datetime>\n\nHow many ounces?')),
      'How many ounces?',
      'user',
    ],
    [
      'documents under a heading in the system prompt',
      chat(system('You know our handbook.\n\n# Documents\n[1] opens at 9\n'), user('When?')),
      'You know our handbook.\n\n# Documents\n[1] opens at 9\n\nWhen?',
      'system+user',
    ],
    [
      'without the surroundings of an editor',
      chat(
        user('<environment_info>\nLinux\n</environment_info>'),
        user('<editorContext>\na.rs\n</editorContext>\n<userRequest>\nexplain this\n</userRequest>'),
      ),
      'explain this',
      'user',
    ],
    [
      'with the data that belongs to it',
      chat(user('Summarize this: <article>It rained.</article>')),
      'Summarize this: <article>It rained.</article>',
      'user',
    ],
    [
      'mark-up that a person asks about',
      chat(user('Why is this not centred? <div class="a"><p>x</p></div>')),
      'Why is this not centred? <div class="a"><p>x</p></div>',
      'user',
    ],
    [
      'a user’s own words about results',
      chat(user('Results: 3, 5, 9. Which is the mean?')),
      'Results: 3, 5, 9. Which is the mean?',
      'user',
    ],
    [
      'an instruction with its data',
      chat(system('Translate the message to French. Output the translation only.'), user('Good morning')),
      'Text: Good morning\n\nTranslate the message to French. Output the translation only.',
      'system+user',
    ],
    [
      'a developer’s instruction',
      chat(
        { role: 'developer', content: 'Classify the ticket: billing or delivery. One word.' },
        user('my parcel is lost'),
      ),
      'Text: my parcel is lost\n\nClassify the ticket: billing or delivery. One word.',
      'system+user',
    ],
    [
      'documents in the system prompt',
      chat(system('Answer from the context only.\n\nContext: opens at 9'), user('When?')),
      'Answer from the context only.\n\nContext: opens at 9\n\nWhen?',
      'system+user',
    ],
    [
      'a persona is none',
      chat(system('You are a helpful assistant. Answer briefly.'), user('hi')),
      'hi',
      'user',
    ],
    [
      'an agent’s handbook is none',
      {
        ...chat(system('Extract the names from the text. Return JSON only.'), user('hi')),
        tools: [tool('Bash')],
      },
      'hi',
      'user',
    ],
    [
      'a system message alone',
      chat(system('Summarize the notes: it rained.')),
      'Summarize the notes: it rained.',
      'system',
    ],
    [
      'a picture alone',
      chat(user('a haiku'), assistant('…'), user([{ type: 'image_url', image_url: { url: 'data:,' } }])),
      'What is this?',
      'media',
    ],
    ['a legacy prompt', { prompt: 'Once' }, 'Once', 'prompt'],
    ['a list of prompts', { prompt: ['x', 'y'] }, 'x\ny', 'prompt'],
    ['token ids', { prompt: [1, 2, 3] }, '', 'none'],
    ['Responses: text', { input: 'hello', instructions: 'You are kind.' }, 'hello', 'user'],
    [
      'Responses: items',
      {
        input: [
          { role: 'user', content: [{ type: 'input_text', text: 'fix it' }] },
          { type: 'function_call', name: 'shell', arguments: '{}' },
          { type: 'function_call_output', call_id: 'c', output: 'ok' },
        ],
      },
      'fix it',
      'earlier_user',
    ],
    [
      'Anthropic: system blocks',
      {
        system: [{ type: 'text', text: 'You are kind.' }],
        messages: [user([{ type: 'text', text: 'hello' }])],
      },
      'hello',
      'user',
    ],
    ['nothing', chat(user(null)), '', 'none'],
  ];
  for (const [what, body, text, source] of cases)
    test(what, () => {
      const { ask } = facts(body);
      assert.deepEqual([ask.text, ask.source], [text, source]);
    });

  test('over-long text keeps head and tail', () => {
    const { ask } = facts(chat(user(`HEAD${'x'.repeat(20_000)}TAIL`)));
    assert.deepEqual(
      [ask.cut, ask.chars, ask.text.slice(0, 4), ask.text.slice(-4)],
      [true, 20_008, 'HEAD', 'TAIL'],
    );
    assert.ok(ask.text.length <= 8_000);
  });

  test('several turns together, where the configuration asks for it', () => {
    const body = chat(user('one'), assistant('…'), user('two'));
    const { ask } = understand(
      { body, path: '', headers: {} },
      { ...settings, prompt: { turns: 2, max_chars: 8_000 } },
    );
    assert.equal(ask.text, 'one\n\ntwo');
  });

  test('the turns before it, with the question that was asked back', () => {
    const { ask } = facts(chat(user('where is my parcel?'), assistant('Which number has it?'), user('BP77')));
    assert.equal(ask.withHistory, 'where is my parcel?\n\nWhich number has it?\n\nBP77');
    assert.equal(facts(chat(user('where is my parcel?'))).ask.withHistory, null);
  });
});

describe('the turn', () => {
  const kinds: readonly (readonly [what: string, body: Record<string, unknown>, kind: string])[] = [
    ['the first', chat(user('a')), 'first'],
    ['the next', chat(user('a'), assistant('b'), user('c')), 'next'],
    ['a loop by role', chat(user('a'), assistant(null), { role: 'tool', content: 'x' }), 'loop'],
    [
      'a loop by block',
      chat(user('a'), assistant('b'), user([{ type: 'tool_result', content: 'x' }])),
      'loop',
    ],
    [
      'a loop by item',
      {
        input: [
          { role: 'user', content: 'a' },
          { type: 'function_call_output', output: 'x' },
        ],
      },
      'loop',
    ],
    [
      'a loop whose ask an upstream keeps',
      { previous_response_id: 'r', input: [{ type: 'function_call_output', output: 'x' }] },
      'loop',
    ],
    ['a loop by reminder', chat(user('a'), assistant('b'), user(REMINDER)), 'loop'],
    [
      'a result and words of a human',
      chat(
        user('a'),
        assistant('b'),
        user([
          { type: 'tool_result', content: 'x' },
          { type: 'text', text: 'stop, do c' },
        ]),
      ),
      'next',
    ],
  ];
  for (const [what, body, kind] of kinds) test(what, () => assert.equal(facts(body).turn.kind, kind));

  test('what says little by itself leans on what was before; thanks close', () => {
    const after = (text: string) => facts(chat(user('Write a cache'), assistant('…'), user(text))).turn;
    for (const text of ['yes', 'and in Rust?', 'BP7741902DE', '2', '👍'])
      assert.equal(after(text).leans, true, text);
    assert.equal(after('Write a poem about my cat').leans, false);
    for (const text of ['thank you so much!', 'Great, thanks', 'Danke'])
      assert.equal(after(text).closes, true, text);
    assert.equal(after('thanks, now add tests').closes, false);
    assert.equal(facts(chat(user('yes'))).turn.leans, false, 'nothing was before');
  });
});

describe('features', () => {
  const has = (
    what: string,
    body: Record<string, unknown>,
    wanted: Partial<RequestFacts['features'] & LanguageReading>,
    path?: string,
  ) =>
    test(what, () => {
      const { features, languageOf } = facts(body, path);
      const seen = { ...features, ...languageOf() };
      for (const [key, value] of Object.entries(wanted))
        assert.deepEqual(seen[key as keyof typeof seen], value, key);
    });

  has(
    'a coding agent by its tools',
    { ...chat(user('a')), tools: ['Bash', 'Edit', 'Grep'].map(tool) },
    { agent: 'coding', tools: ['shell', 'edit', 'search'], toolCount: 3 },
  );
  has(
    'by tools that the provider runs',
    {
      messages: [user('a')],
      tools: [
        { type: 'bash_20250124', name: 'bash' },
        { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool' },
      ],
    },
    { agent: 'coding' },
  );
  has(
    'by a protocol in the system prompt',
    chat(system('You are a software engineer.\n\n# Tools\n\n## execute_command'), user('a')),
    { agent: 'coding' },
  );
  has(
    'other tools make another agent',
    { ...chat(user('a')), tools: ['get_weather', 'edit_event', 'search_flights'].map(tool) },
    { agent: 'general' },
  );
  has('a programmer’s persona is no agent', chat(system('You are an AI programming assistant.'), user('a')), {
    agent: null,
  });
  has(
    'fill in the middle by tokens',
    { prompt: '<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>' },
    { path: 'fim' },
    '/v1/completions',
  );
  has('fill in the middle by suffix', { prompt: 'a', suffix: 'b' }, { path: 'fim' }, '/v1/completions');
  has(
    'fill in the middle by an editor’s region',
    { prompt: '<|editable_region_start|>\nlet a = <|user_cursor_is_here|>\n<|editable_region_end|>' },
    { path: 'fim' },
    '/v1/completions',
  );
  has('fill in the middle in a chat, by tokens', chat(user('<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>')), {
    path: 'fim',
  });
  has(
    'fill in the middle in a chat, by a hole',
    chat(system('You are a hole filler for code.'), user('return {{FILL_HERE}}')),
    { path: 'fim', sideRequest: null },
  );
  has('a question about such tokens is a chat', chat(user('what are <|fim_prefix|> and <|fim_suffix|>?')), {
    path: 'chat',
  });
  has(
    'a reader of commands runs none',
    chat(system('Tell the prefix of a Bash command, for a coding agent.')),
    {
      agent: null,
    },
  );
  has('a completion', { prompt: 'a' }, { path: 'completion' }, '/v1/completions');
  has(
    'Responses',
    { input: 'a', text: { format: { type: 'json_schema' } }, max_output_tokens: 9 },
    { path: 'responses', format: 'json_schema', answerTokens: 9 },
    '/v1/responses',
  );
  has(
    'Messages',
    { system: 's', messages: [user([{ type: 'image', source: {} }])] },
    { path: 'messages', images: true },
    '/v1/messages',
  );
  has(
    'media',
    chat(
      user([
        { type: 'input_audio', input_audio: {} },
        { type: 'file', file: {} },
      ]),
    ),
    { audio: true, files: true },
  );
  has('languages', chat(user('Напиши SQL-запрос')), { language: 'ru', script: 'cyrillic' });
  has('languages beside names of code', chat(user('Reactでログインフォームを書いて')), { language: 'ja' });

  const history = '\n<chat_history>\nUSER: sort a list\nASSISTANT: def f(): pass\n</chat_history>';
  for (const [kind, body] of [
    [
      'title',
      chat(user(`### Task:\nGenerate a concise, 3-5 word title summarizing the chat history.${history}`)),
    ],
    [
      'title',
      chat(
        system(
          "Analyze if this message starts a new conversation topic. Answer with 'isNewTopic' and 'title'.",
        ),
        user('fix the test'),
      ),
    ],
    [
      'tags',
      chat(
        user(
          `### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history.${history}`,
        ),
      ),
    ],
    [
      'follow_ups',
      chat(user(`### Task:\nSuggest 3-5 relevant follow-up questions that the user might ask.${history}`)),
    ],
    [
      'query',
      chat(
        user(
          `Given the following conversation, rephrase the follow up question to be a standalone question; generate a search query.${history}`,
        ),
      ),
    ],
    ['commit_message', chat(system('Write a commit message for the diff.'), user('diff --git a/x b/x'))],
    [
      'compaction',
      {
        ...chat(
          user('do it'),
          assistant('…'),
          user('Your task is to create a detailed summary of the conversation so far.'),
        ),
        tools: [tool('Bash')],
      },
    ],
    [
      'title',
      chat(
        user('shrink an image?'),
        assistant('Use stages.'),
        user(
          'Generate a concise 3-7 word title for this conversation, omitting punctuation, without preamble.',
        ),
      ),
    ],
    ['title', chat(system('Summarize this coding conversation in under 50 characters.'), user('User: hi'))],
    [
      'compaction',
      chat(system('Briefly summarize this partial conversation.'), user('# USER\nadd retries\n')),
    ],
    [
      'query',
      chat(
        system('Given a chat history, formulate a standalone question which can be understood without it.'),
        user('who built it'),
        assistant('Eiffel'),
        user('and when?'),
      ),
    ],
    [
      'query',
      chat(user('Generate 3 different versions of the given user question to retrieve documents: when?')),
    ],
    [
      'follow_ups',
      {
        ...chat(
          user('do it'),
          assistant('…'),
          user('[SUGGESTION MODE: Suggest what the user might naturally type next.]'),
        ),
        tools: [tool('Bash')],
      },
    ],
    [
      null,
      chat(user('a poem'), assistant('…'), user('write a title for this conversation piece on my shelf')),
    ],
    [null, chat(user('Give me a title for my blog post about chat bots'))],
    [null, chat(user('Suggest tags for my photo of a lake'))],
    [null, chat(user('Write a commit message for renaming a function'))],
    [null, chat(user('What are good follow-up questions in a job interview?'))],
  ] as const)
    test(`side request: ${kind ?? 'none'} ${JSON.stringify(body.messages.at(-1)).slice(28, 70)}`, () => {
      const { features, evidence } = facts(body);
      assert.equal(features.sideRequest, kind);
      assert.equal(evidence.sideRequest === undefined, kind === null);
    });

  test('user agents by family', () => {
    const family = (agent: string) => facts(chat(user('a')), '', { 'user-agent': agent }).features.userAgent;
    assert.equal(family('claude-cli/1.0.83 (external, cli)'), 'claude-cli');
    assert.equal(family('AsyncOpenAI/Python 1.40'), 'asyncopenai-python');
    assert.equal(family('Mozilla/5.0 (X11)'), 'browser');
  });

  test('tokens of the whole request, tool results and descriptions included', () => {
    assert.equal(facts(chat(user('x'.repeat(400)))).features.tokens, 100);
    const result = chat(user([{ type: 'tool_result', content: [{ type: 'text', text: 'x'.repeat(400) }] }]));
    assert.equal(facts(result).features.tokens, 100);
    assert.ok(facts({ ...chat(user('a')), tools: [tool('x'.repeat(4_000))] }).features.tokens > 1_000);
  });
});

describe('identity', () => {
  const opening = [user('Write a cache'), assistant('Here it is.')];
  const of = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
    facts(body, '', headers).identity;

  test('a session where clients put it', () => {
    for (const name of ['x-session-id', 'x-claude-code-session-id', 'session_id', 'x-opencode-session'])
      assert.deepEqual(of(chat(user('a')), { [name]: 's1' }).session, { from: name, value: 's1' });
    for (const [body, from] of [
      [{ metadata: { session_id: 's1' } }, 'metadata.session_id'],
      [{ conversation: { id: 's1' } }, 'conversation'],
      [{ prompt_cache_key: 's1' }, 'prompt_cache_key'],
      [{ metadata: { user_id: 'user_ab_account__session_0123-4567' } }, 'metadata.user_id'],
      [{ metadata: { user_id: '{"device_id":"d","session_id":"s1"}' } }, 'metadata.user_id'],
    ] as const)
      assert.equal(of({ ...chat(user('a')), ...body }).session?.from, from);
  });

  test('an end user is no session', () => {
    assert.equal(of({ ...chat(user('a')), user: 'alice', metadata: { user_id: 'alice' } }).session, null);
  });

  test('a clock in the system prompt changes nothing, another first answer does', () => {
    const one = of(chat(system('Time: 10:00:01'), ...opening, user('more')));
    const two = of(chat(system('Time: 10:00:09'), ...opening, user('more'), assistant('…'), user('again')));
    assert.deepEqual(one, two);
    const other = of(chat(opening[0], assistant('Hello.'), user('more')));
    assert.equal(other.opener, one.opener);
    assert.notEqual(other.answer, one.answer);
    assert.equal(of(chat(opening[0])).answer, null);
  });

  test('instructions of a project in front of the ask do not join its sessions', () => {
    const rules = user('# AGENTS.md instructions for /shop\n\n- no comments');
    const one = of(chat(rules, user('mend the login')));
    assert.notEqual(of(chat(rules, user('add a coupon'))).opener, one.opener);
    assert.equal(of(chat(rules, user('mend the login'), assistant('ok'), user('more'))).opener, one.opener);
  });

  test('files and a canned “ok” in front of the ask do not join sessions either', () => {
    const setUp = [user('This is the project: src/ docs/'), assistant('Got it. Thanks for the context!')];
    const first = of(chat(...setUp, user('mend the login')));
    assert.equal(first.answer, null);
    assert.notEqual(of(chat(...setUp, user('add a coupon'))).opener, first.opener);
    const next = of(chat(...setUp, user('mend the login'), assistant('It was the cookie.'), user('more')));
    const later = of(
      chat(...setUp, user('mend the login'), assistant('It was the cookie.'), user('more'), assistant('x')),
    );
    assert.equal(next.opener, first.opener);
    assert.notEqual(next.answer, null);
    assert.deepEqual(next, later);
  });

  test('openers of pictures alone are not all alike', () => {
    const picture = (url: string) => of(chat(user([{ type: 'image_url', image_url: { url } }]))).opener;
    assert.notEqual(picture('data:,AAAA'), picture('data:,BBBB'));
  });
});

test('any JSON is understood, and never throws', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom('messages', 'input', 'prompt', 'tools', 'system', 'metadata', 'user'),
        anyJson(),
      ),
      (body) => {
        const { ask, turn } = facts(body);
        assert.equal(typeof ask.text, 'string');
        assert.ok(turn.messages >= 0);
      },
    ),
  );
});

// Quadratic work would run into the runner's limit.
test('texts made to be slow are not', () => {
  const many = '<a>'.repeat(200_000);
  const deep = `${'<x-reminder>'.repeat(20_000)}${' \n'.repeat(200_000)}`;
  for (const text of [
    many,
    deep,
    '[',
    '<'.repeat(500_000),
    'generate '.repeat(60_000),
    'the '.repeat(200_000),
  ]) {
    facts(chat(system(text.slice(0, 4_000)), user(text), assistant('x'), user(text)));
  }
});
