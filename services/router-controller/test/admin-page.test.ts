/** The admin page in a real browser: keys made, rotated and disabled, usage and budgets seen, and no button for who may only look. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { CHROMIUM_ARGS, setupChromium } from '../../../scripts/parts/chromium.ts';
import { type RedisServer, startRedis } from '../proof/limits/start-redis.ts';
import { hashKey } from '../src/authenticate/index.ts';
import { chat, eventually, favour, scriptedClassifier, startWhole, user, type Whole } from './harness.ts';

const ANN = 'token-of-ann-who-administers-0123456789';
const EYE = 'token-of-one-who-only-looks-0123456789';
const FILE_KEY = 'sk-llmr-key-of-the-file-0123456789';
const LABELS = ['A', 'B'];

let redis: RedisServer;
let whole: Whole;
let browser: Browser;
let page: Page;
const complaints: string[] = [];

before(async () => {
  redis = await startRedis();
  whole = await startWhole({
    config: `
targets: [{ name: llm, api_base: "{LLM}", model: m, price: { input: 100, output: 1000 } }]
policies: [{ name: one, url: "grpc://127.0.0.1:9/m", llms: [{ name: A, target: llm }, { name: B, target: llm }] }]
default_policy: one
auth: { keys_in_redis: true, keys_fresh_ms: 200, keys: [{ id: file_key, hash: "${hashKey(FILE_KEY)}", tenant: "<b>filed</b>" }] }
budgets: [{ name: team, scope: tenant, period: month, usd: 500 }, { name: all, scope: global, period: day, usd: 900 }]
admin: { port: 0, tokens: [{ name: ann, token: ${ANN} }, { name: eye, token: ${EYE}, read_only: true }] }
redis: { url: "${redis.url}", call_timeout_ms: 5000 }
`,
    standIns: false,
    connect: () => scriptedClassifier(LABELS, () => favour(LABELS, 'A')),
  });
  browser = await chromium.launch({
    executablePath: await setupChromium(),
    args: CHROMIUM_ARGS,
  });
});
after(async () => {
  await browser?.close();
  await whole?.stop();
  await redis?.close();
});
afterEach(async () => {
  assert.deepEqual(complaints.splice(0), [], 'errors in the console');
  await page.context().close();
});

async function open({ width = 1280, height = 900, dark = false } = {}): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
  });
  page = await context.newPage();
  page.on('console', (message) => {
    // A refusal that the page tells is told to the console by Chromium, too.
    const told = message.text().startsWith('Failed to load resource: ');
    if (['error', 'warning'].includes(message.type()) && !told) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(whole.router.adminUrl!)) complaints.push(`asked for ${request.url()}`);
  });
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (event) => console.error('CSP: ' + event.violatedDirective))`,
  );
  await page.goto(`${whole.router.adminUrl}/admin`);
}

async function signIn(token: string): Promise<void> {
  await page.getByLabel('Admin token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const go = (name: string) => page.getByRole('button', { name, exact: true }).click();

async function checkAccessible(when: string): Promise<void> {
  // By the debugger, past the page's own policy, which lets no script in.
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run(document)')) as {
    violations: { id: string; help: string; nodes: { html: string }[] }[];
  };
  assert.deepEqual(
    violations.map(({ id, help, nodes }) => `${id}: ${help} ${nodes.map(({ html }) => html).join(' ')}`),
    [],
    when,
  );
  const [content, screen] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as [
    number,
    number,
  ];
  assert.ok(content <= screen, `${when}: ${content} px on ${screen}`);
}

const isTaken = async (key: string) => {
  const headers = { authorization: `Bearer ${key}` };
  const response = await chat(whole.url, { model: 'one', messages: user('hello') }, { headers });
  await response.text();
  return response.status === 200;
};

test('a key is made, used, rotated, disabled; its tenant’s usage, budget and audit are seen', async () => {
  await open();
  await signIn(ANN);
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
  // What somebody has named is text.
  await page.getByRole('cell', { name: '<b>filed</b>' }).waitFor();
  await page.getByLabel('Tenant', { exact: true }).fill('acme');
  await page.getByLabel('Name, for people').fill('their <i>app</i>');
  await page.getByLabel('USD a month').fill('250');
  await go('Make');
  const secret = async () => (await page.locator('output').textContent())!;
  await page.getByRole('heading', { name: /^The secret of key_/ }).waitFor();
  const first = await secret();
  assert.ok(await isTaken(first));

  page.on('dialog', (dialog) => void dialog.accept());
  await page.getByRole('button', { name: /^Rotate key_/ }).click();
  await eventually('another secret is shown', async () => (await secret()) !== first, 30_000);
  const second = await secret();
  assert.ok((await isTaken(second)) && (await isTaken(first)), 'both are good for a day');

  await page.getByRole('button', { name: /^Disable key_/ }).click();
  await page.getByRole('button', { name: /^Enable key_/ }).waitFor();
  await eventually('it is refused', async () => !(await isTaken(second)), 30_000);

  await go('Tenants');
  await page.getByRole('heading', { name: 'Tenants, usage and budgets' }).waitFor();
  await page.getByRole('button', { name: 'Usage and budgets of acme' }).click();
  await page.getByRole('heading', { name: 'Tenant acme' }).waitFor();
  const row = page.getByRole('table', { name: 'By target' }).getByRole('row', { name: /^llm / });
  assert.ok(Number(await row.getByRole('cell').first().textContent()) >= 3);
  assert.match(
    (await page.getByRole('table', { name: 'Budgets' }).textContent())!,
    /team.*tenant acme.*\$500\.00/,
  );

  await go('Audit');
  const audit = page.getByRole('table', { name: 'The newest 200 changes' });
  await audit.waitFor();
  const text = (await audit.textContent())!;
  for (const what of ['created', 'rotated', 'disabled', 'ann']) assert.ok(text.includes(what), what);
  assert.ok(!text.includes(second) && !text.includes('sha256:'));

  await go('Policies');
  assert.match((await page.getByRole('table', { name: 'Where one leads' }).textContent())!, /A.*llm.*m/);
  assert.equal(await page.evaluate('document.cookie + localStorage.length'), '0');
  await go('Sign out');
  await page.getByLabel('Admin token').waitFor();
  assert.equal(await page.evaluate('sessionStorage.length'), 0);
});

test('who may only look sees no changing button, and a refusal is told in the router’s words', async () => {
  await open();
  await signIn('a-token-that-nobody-has-0123456789');
  await page.getByRole('alert').filter({ hasText: 'The admin API wants its token' }).waitFor();
  await signIn(EYE);
  await page.getByRole('table', { name: 'Keys that may call' }).waitFor();
  assert.match((await page.locator('#who').textContent())!, /^eye, who may look and change nothing$/);
  assert.equal(await page.getByRole('button', { name: /Rotate|Disable|Enable|Make/ }).count(), 0);
  // A page that had one all the same would be told so.
  const status = await page.evaluate(
    `fetch('/admin/keys', { method: 'POST', headers: { authorization: 'Bearer ${EYE}' }, body: '{}' }).then((r) => r.json().then((b) => r.status + ' ' + b.error.message))`,
  );
  assert.match(String(status), /^403 .*'eye' may read only/);
});

for (const [name, options] of [
  ['a phone in the light', { width: 360, height: 740 }],
  ['a desk in the dark', { dark: true }],
] as const)
  test(`every room is sound under axe and no wider than the screen (${name})`, async () => {
    await open(options);
    await page.getByLabel('Admin token').waitFor();
    await checkAccessible('the door');
    await signIn(ANN);
    for (const [room, heading] of [
      ['Keys', 'Keys'],
      ['Tenants', 'Tenants, usage and budgets'],
      ['Audit', 'Who changed keys'],
      ['Policies', 'Policies in force'],
    ] as const) {
      await go(room);
      await page.getByRole('heading', { name: heading, exact: true }).waitFor();
      await checkAccessible(room);
    }
  });

test('the page is sent with a policy that lets nothing in, and what is behind the token is not', async () => {
  await open();
  const at = (path: string) => fetch(`${whole.router.adminUrl}${path}`);
  const shown = await at('/admin');
  const policy = shown.headers.get('content-security-policy')!;
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"])
    assert.ok(policy.includes(part), part);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  for (const path of [
    '/admin/keys',
    '/admin/me',
    '/admin/tenants',
    '/admin/budgets',
    '/admin/page/tsconfig.json',
  ])
    assert.equal((await at(path)).status, 401, path);
});
