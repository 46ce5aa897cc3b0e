/** Words of a human in wrappers that no client is known to use: told by what their tags, headings and labels name. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { identitySchema } from '../config/schema-identity.ts';
import { understand } from './index.ts';

const settings = { prompt: { turns: 1, max_chars: 8_000 }, identity: identitySchema.parse({}) };
const facts = (body: Record<string, unknown>) =>
  understand({ body, path: '/v1/chat/completions', headers: {} }, settings);
const user = (content: unknown) => ({ role: 'user', content });
const system = (content: string) => ({ role: 'system', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const part = (text: string) => ({ type: 'text', text });
const chat = (...messages: unknown[]) => ({ messages });
const agent = (...messages: unknown[]) => ({
  messages,
  tools: [{ type: 'function', function: { name: 'dig', parameters: {} } }],
});

const REACT = `Answer as well as you can. You may use these tools: lookup, sum.

Question: the question that is put to you
Thought: what to do
Action: one of the tools
Observation: what it gave
Final Answer: the answer

Begin!

Question: how old is the oldest bridge in Bern?
Thought:`;

describe('wrappers', () => {
  const cases: readonly (readonly [what: string, body: Record<string, unknown>, text: string])[] = [
    [
      'tags beside the user’s are surroundings',
      agent(
        user(
          '<lint_report>\n3 warnings\n</lint_report>\n<shelf>\na.kt\n</shelf>\n<human_message>\nsort the shelf\n</human_message>',
        ),
      ),
      'sort the shelf',
    ],
    [
      'also in other parts, on either side',
      agent(
        user([
          part('<clipboard>\nx\n</clipboard>'),
          part('<UserPrompt>undo that</UserPrompt>'),
          part('<pane>\nright\n</pane>'),
        ]),
      ),
      'undo that',
    ],
    [
      'documents belong to the words where no tools work on them',
      chat(
        user('<documents>\nopens at 9\n</documents>\n<user_question>\nwhen does it open?\n</user_question>'),
      ),
      'when does it open?\n\n<documents>\nopens at 9\n</documents>',
    ],
    [
      'a program’s own history is none',
      chat(user('<user_request>\nmow\n</user_request>\n<agent_history>\nstep 1\n</agent_history>')),
      'mow',
    ],
    [
      'so do tags beside words outside of any',
      agent(user('<user_input>\nbonjour\n</user_input>\n<tone>\nwarm\n</tone>\nTranslate it in this tone.')),
      'bonjour\n\n<tone>\nwarm\n</tone>\n\nTranslate it in this tone.',
    ],
    [
      'and tags of a human’s own prompt',
      agent(user('<text>\nit rained\n</text>\n<task>\nsay it in French\n</task>')),
      'say it in French\n\n<text>\nit rained\n</text>',
    ],
    [
      'the user’s words within a program’s state',
      agent(
        user(
          '<robot_state>\n<user_request>\nwater the roses\n</user_request>\n<battery>80</battery>\n</robot_state>\n<garden_map>\n#..#\n</garden_map>',
        ),
      ),
      'water the roses',
    ],
    [
      'a program’s note to the model',
      chat(user('<info-note>\nIt is noon.\n</info-note>\nhi there')),
      'hi there',
    ],
    ['a label of a task', chat(user('**Latest request:** count the swans')), 'count the swans'],
    [
      'what a template says of the answer',
      chat(
        user(
          'New assignment task: name the boat\n\nExpected result: one line,\nno quotes\nBegin! Much hangs on it.\n\nThought:',
        ),
      ),
      'name the boat',
    ],
    [
      'what the task is done with stays',
      chat(user('Current Task: sum up the talk\n\nExpectations: short\n\nContext: Ann spoke of bees.')),
      'sum up the talk\n\nContext: Ann spoke of bees.',
    ],
    [
      'headings of an agent’s program',
      agent(user('## Open tabs\na.c\n\n## User request\nmake it compile\n\n## Build log\nerror: x')),
      'make it compile',
    ],
    [
      'a heading that is underlined',
      agent(
        user("USER'S QUESTION\n---------------\nwhere is the key?\n\nCOLOUR SCHEME\n-------------\ndark"),
      ),
      'where is the key?',
    ],
    [
      'the question that a protocol of steps puts last',
      chat(user(REACT)),
      'how old is the oldest bridge in Bern?',
    ],
    [
      'an agent whose protocol stands in its system prompt',
      chat(
        system(
          'Solve what you are handed. At each step write "Reflection:" and then "Code:"; end with finish(value). Return JSON only.',
        ),
        user('New task: how many days has this year?'),
      ),
      'how many days has this year?',
    ],
    [
      'one agent of several',
      chat(
        system('You are one of four agents. Summarize the text for the others. Reply with DONE when done.'),
        user('plan the picnic'),
      ),
      'plan the picnic',
    ],
    [
      'the hour in a system prompt is no document',
      chat(
        system('You are kind.\n<context>\n<date>2026-01-02</date>\ncity: Oslo\n</context>'),
        user('hello'),
      ),
      'hello',
    ],
    [
      'an instruction before the label is no wrapper',
      chat(user('Translate to Danish.\n\nUser input: good morning')),
      'Translate to Danish.\n\nUser input: good morning',
    ],
    [
      'a human’s own headings',
      agent(user('# Goal\nfaster start\n\n# Context\nit takes 9 s')),
      '# Goal\nfaster start\n\n# Context\nit takes 9 s',
    ],
    [
      'a human’s own question',
      chat(user('Question: what is a monad?\nContext: I know Java.')),
      'Question: what is a monad?\nContext: I know Java.',
    ],
    [
      'a pipeline that counts steps is no agent',
      chat(system('Rewrite the recipe. Number each step. Return only the recipe.'), user('boil, peel, eat')),
      'Text: boil, peel, eat\n\nRewrite the recipe. Number each step. Return only the recipe.',
    ],
  ];
  for (const [what, body, text] of cases) test(what, () => assert.equal(facts(body).ask.text, text));

  test('surroundings that come alone after an answer go on with the ask', () => {
    const { ask, turn } = facts(
      agent(
        user([part('<user_wish>\nx\n</user_wish>'), part('<user_request>\nmow\n</user_request>')]),
        assistant('…'),
        user('<machine_state>\n12 %\n</machine_state>'),
      ),
    );
    assert.deepEqual([ask.text, ask.source, turn.kind], ['mow', 'earlier_user', 'loop']);
  });

  test('an agent without tools is told by its protocol', () => {
    const { features, evidence } = facts(
      chat(
        system('Work in a loop of Thought, Action, PAUSE, Observation. Available tools: sum.'),
        user('1+1?'),
      ),
    );
    assert.equal(features.agent, 'general');
    assert.match(evidence.agent ?? '', /protocol/);
    assert.equal(
      facts(chat(system('Think step by step. End with the answer.'), user('1+1?'))).features.agent,
      null,
    );
  });

  // Quadratic work would run into the runner's limit.
  test('labels made to be slow are not', () => {
    for (const text of [
      'New task: '.repeat(90_000),
      'Task:\n'.repeat(200_000),
      `# ${'user '.repeat(200_000)}`,
    ])
      facts(agent(system(text.slice(0, 9_000)), user(text)));
  });
});
