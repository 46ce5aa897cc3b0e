/** What the controller's image runs when it is told nothing: config/router.yaml with a door that has a key. */

const HEAD = `# Generated from config/router.yaml by \`npm run docs\`; edit there. What the controller's image runs when no --config is given:
# the same table, with a first key from the environment, because on a public address nobody may call without one.
#
# From the environment: LLM_ROUTER_KEY_HASH (printf %s "$KEY" | sha256sum, written sha256:HEX), NVIDIA_API_KEY unless
# LLM_ROUTER_STAND_IN_URL is set, and LLM_ROUTER_CLASSIFIER_URL (grpc://HOST:8001) of the classifier.
auth:
  keys:
    - id: key_first
      name: the first key
      tenant: first
      hash: \${LLM_ROUTER_KEY_HASH}

`;

/** @param router text of config/router.yaml. @throws Error when it has keys of its own by now. */
export function imageConfig(router: string): string {
  if (/^auth:/m.test(router))
    throw new Error('config/router.yaml has auth: now; the image can take it as it is');
  // Its opening words speak of npm start.
  return HEAD + router.replace(/^(?:#.*\n)+/, '');
}
