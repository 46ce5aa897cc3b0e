/** KServe as Triton's own client speaks it: the same calls and the same assertions on a real Triton and on router-server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startRouterServer } from '@llm-router/router-server';
import { setupPythonTools } from '../../../scripts/parts/python-tools.ts';
import { startTriton } from '../src/start-triton.ts';

const REPOSITORY = join(resolve(import.meta.dirname, '../../..'), 'model_repository');

interface Server {
  readonly grpc: string;
  readonly http: string;
  readonly stop: () => Promise<void>;
}

/** Explicit control, so that both take load and unload. */
const SERVERS: Readonly<Record<string, () => Promise<Server>>> = {
  'a real Triton': () => startTriton({ repository: REPOSITORY, modelControl: 'explicit', load: ['*'] }),
  'router-server': async () => {
    const { grpc, http, close } = await startRouterServer({ repository: REPOSITORY, pollSeconds: 0 });
    return { grpc, http, stop: close };
  },
};

for (const [name, start] of Object.entries(SERVERS)) {
  describe(name, () => {
    let server: Server;
    let checks: Record<string, string | null>;
    before(async () => {
      const python = await setupPythonTools();
      server = await start();
      const script = join(import.meta.dirname, 'kserve_client.py');
      const { stdout } = await promisify(execFile)(python, [script, server.http, server.grpc], {
        maxBuffer: 8 * 1024 * 1024,
      });
      checks = JSON.parse(stdout);
    });
    after(() => server?.stop());

    test('tritonclient, over HTTP and gRPC: every check holds', () => {
      const failed = Object.entries(checks).filter(([, problem]) => problem !== null);
      assert.deepEqual(failed, [], failed.map(([check, problem]) => `${check}: ${problem}`).join('\n\n'));
      assert.ok(Object.keys(checks).length >= 18, `only ${Object.keys(checks).length} checks`);
    });
  });
}
