// The pod of `helm test`: the router is ready, and its classifier decides about a prompt; without a key it refuses to.
const { ROUTER_URL: base, POLICY: policy, DOOR: door, ROUTER_KEY: key, TRIES: tries = '45' } = process.env;

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
    // Another text every time, so that no cache answers in the classifier's place.
    body: JSON.stringify({
      model: policy,
      messages: [{ role: 'user', content: `Write a loop in Python that counts to ${Date.now()}.` }],
    }),
  });

/**
 * A cluster's DNS may keep for 30 s that a fresh release's classifier had no address yet, once a second it is asked again; a
 * classifier that is gone stays gone.
 */
async function decision(headers) {
  for (let left = Number(tries); ; left--) {
    const answer = await route(headers);
    const text = await answer.text();
    console.log(`POST /v1/route: ${answer.status} ${text}`);
    if (answer.status !== 200) fail('no decision');
    if (JSON.parse(text).reason !== 'classifier_error_fallback') return;
    if (left === 1) fail('the classifier does not answer: every prompt goes to the fallback');
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

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
  await decision(key ? { authorization: `Bearer ${key}` } : {});
  console.log('passed');
}

main();
