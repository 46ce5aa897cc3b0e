/** The whole of it for the browser's tests: classifier, stand-ins, controller with a key, playground, Chromium. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { CHROMIUM_ARGS, setupChromium } from '../../../scripts/parts/chromium.ts';
import { hashKey } from '../../router-controller/src/authenticate/index.ts';
import {
  ROUTER_CONFIG,
  startClassifier,
  startWhole,
  type Whole,
} from '../../router-controller/test/harness.ts';
import { type Playground, startPlayground } from '../src/index.ts';

/** The router's key, which no browser may ever see. */
export const KEY = `sk-llmr-${'k'.repeat(43)}`;

/** USD for a million tokens, by target; the shipped table has no prices. */
const PRICES: Readonly<Record<string, string>> = {
  'llama-70b': '{ input: 0.9, output: 0.9 }',
  'mixtral-8x22b': '{ input: 1.2, output: 1.2 }',
  'llama-8b': '{ input: 0.2, output: 0.2 }',
  'deepseek-r1': '{ input: 3, output: 8 }',
};
const PRICED_CONFIG = ROUTER_CONFIG.replaceAll(
  /^ {2}- name: (.+)\n(?= {4}api_base)/gm,
  (line, name: string) => (PRICES[name] ? `${line}    price: ${PRICES[name]}\n` : line),
);

/** Words in a prompt that make its stand-in fail. */
const FAULTS = {
  'hang please': { kind: 'stall-in-stream', after: 3 },
  'break please': { kind: 'error-in-stream', after: 3 },
  'cut please': { kind: 'cut', bytes: 700 },
  'refuse please': { kind: 'status', status: 400, retryAfter: null },
} as const;

export interface Visit {
  readonly page: Page;
  /** Whatever a reader of the console would be alarmed by, policy violations first. */
  readonly complaints: string[];
  /** All that the browser was sent, headers and bodies, as far as it has ended. */
  readonly received: () => Promise<string>;
}

export interface VisitOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
}

type Classifier = Awaited<ReturnType<typeof startClassifier>>;

export class BrowserScene {
  readonly whole: Whole;
  readonly playground: Playground;
  readonly #classifier: Classifier;
  readonly #browser: Browser;

  private constructor(classifier: Classifier, whole: Whole, playground: Playground, browser: Browser) {
    this.#classifier = classifier;
    this.whole = whole;
    this.playground = playground;
    this.#browser = browser;
  }

  static async start(): Promise<BrowserScene> {
    const classifier = await startClassifier();
    const whole = await startWhole({
      config: `${PRICED_CONFIG}\nauth: { keys: [{ id: playground, hash: "${hashKey(KEY)}" }] }\n`,
      classifierUrl: `grpc://${classifier.grpc}`,
      llms: {
        fault: ({ body }) => {
          const last = String(body.messages?.at(-1)?.content ?? '');
          return Object.entries(FAULTS).find(([words]) => last.includes(words))?.[1] ?? null;
        },
      },
    });
    const playground = await startPlayground({ router: new URL(whole.url), apiKey: KEY, port: 0 });
    const browser = await chromium.launch({
      executablePath: await setupChromium(),
      args: CHROMIUM_ARGS,
    });
    return new BrowserScene(classifier, whole, playground, browser);
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.playground.close();
    await this.whole.stop();
    await this.#classifier.close();
  }

  /** Opens the page in a browser profile of its own. */
  async visit({ width = 1440, height = 900, dark = false }: VisitOptions = {}): Promise<Visit> {
    const context = await this.#browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    const answers: Promise<string>[] = [];
    page.on('console', (message) => {
      // A relayed call that fails is told to the reader by the page; Chromium tells the console too.
      const isAnswer =
        message.text().startsWith('Failed to load resource: ') &&
        /\/(?:config|v1\/[\w/]+)$/.test(message.location().url);
      if (['error', 'warning'].includes(message.type()) && !isAnswer) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(this.playground.url)) complaints.push(`asked for ${request.url()}`);
    });
    page.on('response', (response) => {
      const head = JSON.stringify(response.headers());
      answers.push(
        response.text().then(
          (text) => head + text,
          () => head,
        ),
      );
    });
    await page.addInitScript(
      `addEventListener('securitypolicyviolation', (event) => console.error('CSP: ' + event.violatedDirective + ' ' + event.blockedURI))`,
    );
    await page.goto(this.playground.url);
    await page.locator('.router.up').waitFor();
    return { page, complaints, received: async () => (await Promise.all(answers)).join('\n') };
  }
}
