// A receiver, a router that knows of it, one request that spends the budget, and the notice of it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { receiver } from './receiver.mjs';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
let take;
const told = new Promise((resolve) => {
  take = resolve;
});
const server = receiver(secret, take).listen(0, '127.0.0.1');
await once(server, 'listening');
const hook = `http://127.0.0.1:${server.address().port}/`;

const forged = await fetch(hook, { method: 'POST', body: '{}', headers: { 'webhook-id': 'msg_1' } });
console.log('without a signature:', forged.status);

const router = spawn(
  'npx',
  ['llm-router', 'start', '--config', 'router.yaml', '--stand-ins', '--port', '0'],
  {
    env: { ...process.env, OPS_WEBHOOK: hook, OPS_WEBHOOK_SECRET: secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
let said = '';
const url = await new Promise((resolve, reject) => {
  router.once('exit', () => reject(new Error(`the router did not start:\n${said}`)));
  router.stdout.on('data', (chunk) => {
    said += chunk;
    const found = /^listening on (\S+)$/m.exec(said);
    if (found) resolve(found[1]);
  });
});
await fetch(`${url}/v1/chat/completions`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Name three rivers' }] }),
});
const { type, data } = await told;
console.log(`${type}: ${data.budget} of ${data.scope} is at ${data.used > data.limit ? 'its end' : 'work'}`);

router.removeAllListeners('exit');
router.kill('SIGTERM');
await once(router, 'exit');
server.close();
