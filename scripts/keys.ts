/**
 * `npm run keys -- new --id ID [--tenant T]`: makes an API key for clients. The key is shown once; the configuration
 * holds only its hash.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { hashKey } from '../services/router-controller/src/authenticate/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { id: { type: 'string' }, tenant: { type: 'string', default: 'default' } },
});
if (positionals[0] !== 'new' || !/^[A-Za-z0-9_-]{3,64}$/.test(values.id ?? '')) {
  console.error('usage: npm run keys -- new --id ID [--tenant TENANT]   (ID: 3 to 64 of A-Z a-z 0-9 _ -)');
  process.exit(2);
}
const key = `llmr_${randomBytes(32).toString('base64url')}`;
console.log(`key (shown once, give it to the client): ${key}

in the configuration, under auth.keys:
  - id: ${values.id}
    tenant: ${values.tenant}
    hash: ${hashKey(key)}`);
