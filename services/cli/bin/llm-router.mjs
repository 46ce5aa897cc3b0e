#!/usr/bin/env node
/** `llm-router COMMAND …`, for the machine's own Node; see src/enter.mjs. */
import { enter } from '../src/enter.mjs';

await enter(process.argv.slice(2), process.cwd());
