// Takes the router's notices, and only the router's: signatures as Standard Webhooks 1.0 has them.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const TOLERANCE_S = 300;

/** True when one of the signatures is ours over exactly this body, and not old. */
function isGenuine(secret, headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures = '' } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(at)) <= TOLERANCE_S)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const wanted = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest();
  return signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

/** @param take is given each notice once, however often it is sent. */
export function receiver(secret, take) {
  const seen = new Set();
  return createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString();
    if (!isGenuine(secret, request.headers, body)) return response.writeHead(401).end();
    response.writeHead(204).end();
    const id = request.headers['webhook-id'];
    if (seen.has(id)) return;
    seen.add(id);
    take(JSON.parse(body));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const show = ({ type, data }) => console.log(type, data.summary);
  receiver(process.env.OPS_WEBHOOK_SECRET, show).listen(9797, () => console.log('http://127.0.0.1:9797/'));
}
