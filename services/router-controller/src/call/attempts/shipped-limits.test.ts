/** Silent upstreams under every limit as it is shipped: the clock is a fake one, sockets and everything else are real. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChatBody } from '../../request.ts';
import { FakeTime } from '../fake-time.ts';
import {
  answerOf,
  chunkOf,
  DONE,
  type RawAnswer,
  type RawUpstream,
  startRawUpstream,
} from '../raw-upstream.ts';
import { attemptsOf, type CallTest, withCall, withRaw } from '../testing.ts';

/** Nothing has happened for so many looks, so long apart: whatever was on its way on this machine has arrived. */
const QUIET_LOOKS = 4;
const LOOK_MS = 15;

interface Heard {
  readonly status: number;
  readonly model: string | null;
  readonly text: string;
  /** Seconds of the fake clock until headers came, and until the answer was whole. */
  readonly headersS: number;
  readonly wholeS: number;
}

/** Asks, and moves the clock from timer to timer until the answer is whole. */
async function hear(call: CallTest, upstream: RawUpstream, time: FakeTime, body: ChatBody): Promise<Heard> {
  const started = time.now();
  let done = false;
  const seconds = () => Math.round((time.now() - started) / 1_000);
  const asked = call.ask(body).then(async (response) => {
    const headersS = seconds();
    const text = await response.text();
    const model = response.headers.get('x-llm-router-model');
    done = true;
    return { status: response.status, model, text, headersS, wholeS: seconds() };
  });
  const happened = () => upstream.seen.length + call.llms.seen.length + call.events.length;
  while (!done) {
    let quiet = 0;
    for (let before = happened(); quiet < QUIET_LOOKS && !done; quiet++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (happened() !== before) quiet = -1;
      before = happened();
    }
    if (!done) time.next();
  }
  return asked;
}

const SILENT: readonly [string, RawAnswer][] = [
  ['says nothing', () => {}],
  ['sends headers and nothing else', (wire) => wire.open()],
  [
    'sends the role and nothing else',
    (wire) => {
      wire.open();
      wire.events(chunkOf({ role: 'assistant', content: '' }));
    },
  ],
  [
    'sends a comment and nothing else',
    (wire) => {
      wire.open();
      wire.events(': PROCESSING\n\n');
    },
  ],
];

describe('with a fallback', () => {
  for (const [what, answer] of SILENT) {
    const time = new FakeTime();
    test(
      `a stream that ${what} is left within a minute`,
      withRaw({ answer, shipped: true, time }, async (call, upstream) => {
        const heard = await hear(call, upstream, time, { stream: true });
        assert.match(heard.text, /"model":"second"/);
        assert.match(heard.text, /\[DONE\]/);
        assert.ok(heard.wholeS <= 60, `after ${heard.wholeS} s`);
        assert.ok(heard.headersS <= 15, `headers after ${heard.headersS} s`);
      }),
    );
  }

  for (const [what, answer] of [
    ['says nothing', () => {}],
    ['sends headers and nothing else', (wire) => wire.open({ type: 'application/json' })],
    [
      'sends half an answer',
      (wire) => {
        wire.open({ type: 'application/json' });
        wire.chunk('{"choices":[');
      },
    ],
  ] as [string, RawAnswer][]) {
    const time = new FakeTime();
    test(
      `a plain call that ${what} is left within two minutes`,
      withRaw({ answer, shipped: true, time }, async (call, upstream) => {
        const heard = await hear(call, upstream, time, {});
        assert.equal(heard.status, 200);
        assert.equal(heard.model, 'second');
        assert.ok(heard.wholeS <= 120, `after ${heard.wholeS} s`);
      }),
    );
  }
});

test('silent targets in a row: each fallback is asked once, whatever time has passed', async () => {
  const time = new FakeTime();
  const upstream = await startRawUpstream(() => {});
  const silent = (name: string) => ({ name, api_base: upstream.url });
  const targets = [silent('a'), silent('b'), silent('c'), { name: 'sound' }];
  try {
    await withCall({ targets, shipped: true, time }, async (call) => {
      const heard = await hear(call, upstream, time, {});
      assert.equal(heard.model, 'sound');
      assert.deepEqual(attemptsOf(call.last()), [
        ['a', 'timeout_first_byte'],
        ['b', 'timeout_first_byte'],
        ['c', 'timeout_first_byte'],
        ['sound', 'ok'],
      ]);
    })();
  } finally {
    await upstream.close();
  }
});

const lively = new FakeTime();
test(
  'a stream that sends comments for ever is left within two minutes',
  withRaw(
    {
      answer: (wire) => {
        wire.open();
        const beat = lively.every(5_000, () => wire.events(': PROCESSING\n\n'));
        wire.socket.on('close', () => beat.stop());
      },
      shipped: true,
      time: lively,
    },
    async (call, upstream) => {
      const heard = await hear(call, upstream, lively, { stream: true });
      assert.match(heard.text, /^(?:: PROCESSING\n\n|: ping\n\n)+data: .*"model":"second"/);
      assert.ok(heard.wholeS <= 120, `after ${heard.wholeS} s`);
    },
  ),
);

describe('alone', () => {
  for (const seconds of [125, 590]) {
    const time = new FakeTime();
    test(
      `a plain answer that comes after ${seconds} s is given`,
      withRaw(
        {
          answer: (wire) => time.after(seconds * 1_000, () => wire.plain(answerOf('thought long'))),
          alone: true,
          shipped: true,
          time,
        },
        async (call, upstream) => {
          const heard = await hear(call, upstream, time, {});
          assert.equal(heard.status, 200);
          assert.equal(heard.wholeS, seconds);
        },
      ),
    );
  }

  const late = new FakeTime();
  test(
    'a plain call that says nothing ends after ten minutes',
    withRaw({ answer: () => {}, alone: true, shipped: true, time: late }, async (call, upstream) => {
      const heard = await hear(call, upstream, late, {});
      assert.equal(heard.status, 504);
      assert.equal(heard.wholeS, 600);
    }),
  );

  const thinking = new FakeTime();
  test(
    'a stream that thinks for 100 s is waited for, and its client hears of it before',
    withRaw(
      {
        answer: (wire) => {
          wire.open();
          thinking.after(100_000, () => {
            wire.events(chunkOf({ content: 'well' }), chunkOf({}, 'stop'), DONE);
            wire.end();
          });
        },
        alone: true,
        shipped: true,
        time: thinking,
      },
      async (call, upstream) => {
        const heard = await hear(call, upstream, thinking, { stream: true });
        assert.match(heard.text, /^(?:: ping\n\n)+data: .*well/);
        assert.equal(heard.headersS, 15);
        assert.equal(heard.wholeS, 100);
      },
    ),
  );
});

describe('what an upstream asks for holds no client', () => {
  for (const [status, retryAfter, within] of [
    ['429 Too Many Requests', '7', 0],
    ['429 Too Many Requests', '1', 5],
    ['409 Conflict', '1', 5],
    ['500 Internal Server Error', '30', 0],
    ['503 Service Unavailable', '', 5],
  ] as const) {
    const time = new FakeTime();
    test(
      `${status}, retry-after ${retryAfter || 'not said'}: told within ${within} s`,
      withRaw(
        {
          answer: (wire) =>
            wire.plain('{"error":{"message":"no"}}', {
              status,
              headers: retryAfter ? { 'retry-after': retryAfter } : {},
            }),
          alone: true,
          shipped: true,
          time,
        },
        async (call, upstream) => {
          const heard = await hear(call, upstream, time, {});
          assert.equal(heard.status, Number.parseInt(status, 10));
          assert.ok(heard.wholeS <= within, `after ${heard.wholeS} s`);
        },
      ),
    );
  }
});
