/** The way into every npm script: `npm run a:b -- …` is `llm-router a b …`. */
import { enter } from '../services/cli/src/enter.mjs';

const [name, ...args] = process.argv.slice(2);
// npm runs scripts in the package's folder; the caller's is in INIT_CWD.
await enter([...(name?.split(':') ?? []), ...args], process.env.INIT_CWD ?? process.cwd());
