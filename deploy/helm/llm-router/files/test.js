// The pod of `helm test`: the router is ready, and decides about a prompt; without a key it refuses to.
const { ROUTER_URL: base, POLICY: policy, DOOR: door, ROUTER_KEY: key } = process.env;

function fail(what) {
  console.error(`failed: ${what}`);
  process.exit(1);
}

const ask = (path, options) =>
  fetch(base + path, { signal: AbortSignal.timeout(10_000), ...options }).catch((error) =>
    fail(`${base + path}: ${error.cause?.message ?? error.message}`),
  );

const route = (headers) =>
  ask('/v1/route', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: policy, messages: [{ role: 'user', content: 'Write a loop in Python.' }] }),
  });

async function main() {
  const ready = await ask('/readyz');
  const state = await ready.text();
  console.log(`GET /readyz: ${ready.status} ${state}`);
  if (ready.status !== 200) fail('the router is not ready');
  if (door === 'shut') {
    const stranger = await route({});
    console.log(`POST /v1/route without a key: ${stranger.status}`);
    if (stranger.status !== 401) fail(`a caller without a key got ${stranger.status}, not 401`);
    if (!key) {
      console.log('passed; give test.keySecret for a decision as well');
      return;
    }
  }
  const answer = await route(key ? { authorization: `Bearer ${key}` } : {});
  const text = await answer.text();
  console.log(`POST /v1/route: ${answer.status} ${text}`);
  if (answer.status !== 200) fail('no decision');
  console.log('passed');
}

main();
