/** What holds for every answer of every app of the router. */
import type { Express } from 'express';
import { guardResponses, secrets } from '../observe/index.ts';
import { carryAlways } from './carried.ts';
import { writeWholeChunks } from './whole-chunks.ts';

/** The process' secrets stay in it, and no browser guesses at a type. To be called before any handler is added. */
export function protect(app: Express): void {
  writeWholeChunks(app.response);
  guardResponses(app.response, secrets);
  carryAlways(app.response, { 'x-content-type-options': 'nosniff' });
}
