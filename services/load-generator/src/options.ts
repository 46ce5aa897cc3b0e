/** What the command line asks for, checked against hard bounds. */
import { parseArgs } from 'node:util';
import { misuseWithHelp } from '../../process/src/misuse.ts';
import { MIXES, type Mix } from './mixes.ts';

/** No flag lifts these: a slip of a finger must not become an outage or a bill. */
export const BOUNDS = {
  rate: { least: 0.01, most: 500, unit: 'requests a second' },
  seconds: { least: 1, most: 3_600, unit: 'seconds' },
  'concurrency-limit': { least: 1, most: 1_000, unit: 'requests at once' },
  'stream-share': { least: 0, most: 1, unit: 'share of requests that stream' },
  clients: { least: 1, most: 1_000, unit: 'clients of the closed loop' },
  think: { least: 0, most: 60_000, unit: 'milliseconds between an answer and the next request' },
  'max-tokens': { least: 1, most: 4_096, unit: 'tokens of one answer' },
  timeout: { least: 1, most: 600, unit: 'seconds for one answer' },
} as const;

export const HELP = `llm-router loadtest [--url URL] [--rate RPS] [--seconds N]

  --url URL              the router (default: http://127.0.0.1:8084)
  --rate RPS             requests begun per second, whether or not earlier ones are answered (default: 5, at most ${BOUNDS.rate.most})
  --seconds N            for how long (default: 10, at most ${BOUNDS.seconds.most})
  --concurrency-limit N  requests under way at once (default: 32, at most ${BOUNDS['concurrency-limit'].most}); what is over it is counted, not sent
  --loop KIND            open (default): requests begin at their times; closed: --clients each wait for their answer
  --clients N            clients of the closed loop (default: 8, at most ${BOUNDS.clients.most})
  --think MS             their pause before the next request (default: 0, at most ${BOUNDS.think.most})
  --mix NAME             short (default): the prompts; long: documents; agent: tools and loops; real: all of them
  --repeat               send prompts as they are; without it each gets words of its own, so that no cache flatters
  --stream-share S       share of requests that stream, from 0 to 1 (default: 0.5)
  --policy NAME          policy to route by (default: the router's own)
  --prompts FILE.jsonl   a line each: {"prompt": "…"} or {"messages": […]} (default: prompts of this service)
  --max-tokens N         longest answer (default: 64, at most ${BOUNDS['max-tokens'].most})
  --timeout N            seconds until an answer is given up (default: 60, at most ${BOUNDS.timeout.most})
  --key KEY              key of the router; better in the environment, where other users don't see it
  --html FILE            the result as one page with pictures, which needs nothing else
  --out FILE.json        the result as JSON, for --compare
  --compare A B          two such files beside each other, and with --html as a page; nothing is sent
  --json                 the result as one JSON object on the last line; all else goes to standard error
  --i-own-this-target    send to an address that is neither loopback nor private
  --exit-with-parent     stop when standard input ends

LLM_ROUTER_API_KEY       key of the router

Examples:
  $ llm-router loadtest --rate 20 --seconds 60 --mix real --html report.html
      a minute of load on the router of this machine, and a page of what came of it
  $ llm-router loadtest --loop closed --clients 16 --out after.json
      sixteen clients that each wait for their answer
  $ llm-router loadtest --compare before.json after.json --html change.html
      two results beside each other; nothing is sent`;

/** Something is wrong with what was asked for; the message says what would be right. */
export class UsageError extends Error {}

export interface Options {
  /** Base URL without a slash at the end. */
  readonly url: string;
  readonly rate: number;
  readonly seconds: number;
  readonly concurrencyLimit: number;
  readonly streamShare: number;
  readonly policy: string | null;
  readonly promptsFile: string | null;
  readonly maxTokens: number;
  readonly timeoutMs: number;
  readonly key: string | null;
  readonly json: boolean;
  readonly ownsTarget: boolean;
  readonly exitWithParent: boolean;
  /** Null: the open loop. */
  readonly clients: number | null;
  readonly thinkMs: number;
  readonly mix: Mix;
  /** Prompts are sent as they are, so that later rounds may be answered from caches. */
  readonly repeat: boolean;
  readonly html: string | null;
  readonly out: string | null;
  /** Files of two results; nothing is sent then. */
  readonly compare: readonly [string, string] | null;
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError('--url must be an http or https URL, such as http://127.0.0.1:8084');
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('--url must not hold a user or password; a key goes into LLM_ROUTER_API_KEY');
  }
  // Clients are told the base URL with /v1 and without; both mean the same.
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
}

/**
 * @param args without the program's own name
 * @returns null when help is asked for
 * @throws UsageError
 */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options | null {
  const { values, positionals } = parse(args);
  if (values.help) return null;
  const one = <const T extends readonly string[]>(flag: 'loop' | 'mix', known: T): T[number] => {
    if (known.includes(values[flag])) return values[flag];
    throw new UsageError(`--${flag} must be one of ${known.join(', ')}, not '${values[flag]}'`);
  };
  const number = (flag: keyof typeof BOUNDS, isWhole: boolean): number => {
    const { least, most, unit } = BOUNDS[flag];
    const text = values[flag].trim();
    const value = text === '' ? Number.NaN : Number(text);
    if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
    const kind = isWhole ? 'a whole number' : 'a number';
    throw new UsageError(
      `--${flag} (${unit}) must be ${kind} from ${least} to ${most}, not '${values[flag]}'`,
    );
  };
  const clients = number('clients', true);
  const key = (values.key ?? env.LLM_ROUTER_API_KEY ?? '').trim();
  if (/[^\x21-\x7e]/.test(key)) throw new UsageError('the key holds characters that no key has');
  return {
    url: readUrl(values.url),
    rate: number('rate', false),
    seconds: number('seconds', true),
    concurrencyLimit: number('concurrency-limit', true),
    streamShare: number('stream-share', false),
    policy: values.policy || null,
    promptsFile: values.prompts ?? null,
    maxTokens: number('max-tokens', true),
    timeoutMs: number('timeout', true) * 1000,
    key: key || null,
    json: values.json ?? false,
    ownsTarget: values['i-own-this-target'] ?? false,
    exitWithParent: values['exit-with-parent'] ?? false,
    clients: one('loop', ['open', 'closed']) === 'closed' ? clients : null,
    thinkMs: number('think', true),
    mix: one('mix', MIXES),
    repeat: values.repeat ?? false,
    html: values.html ?? null,
    out: values.out ?? null,
    compare: pairOf(values.compare, positionals),
  };
}

/** `--compare A B`: the second file stands behind the flag's value. */
function pairOf(first: string | undefined, others: readonly string[]): [string, string] | null {
  if (first === undefined && others.length === 0) return null;
  if (first === undefined) throw new UsageError(`what is '${others[0]}'?\n\n${HELP}`);
  if (others.length !== 1)
    throw new UsageError('--compare wants two files: --compare BEFORE.json AFTER.json');
  return [first, others[0]!];
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        url: { type: 'string', default: 'http://127.0.0.1:8084' },
        rate: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '10' },
        'concurrency-limit': { type: 'string', default: '32' },
        'stream-share': { type: 'string', default: '0.5' },
        policy: { type: 'string' },
        prompts: { type: 'string' },
        loop: { type: 'string', default: 'open' },
        clients: { type: 'string', default: '8' },
        think: { type: 'string', default: '0' },
        mix: { type: 'string', default: 'short' },
        repeat: { type: 'boolean' },
        html: { type: 'string' },
        out: { type: 'string' },
        compare: { type: 'string' },
        'max-tokens': { type: 'string', default: '64' },
        timeout: { type: 'string', default: '60' },
        key: { type: 'string' },
        json: { type: 'boolean' },
        'i-own-this-target': { type: 'boolean' },
        'exit-with-parent': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(misuseWithHelp(error, HELP));
  }
}
