/** What the classifier tells besides the label comes from a second ensemble; without it, labels still come. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type RouterServer, startRouterServer } from '@llm-router/router-server';
import { startTriton, type Triton } from '@llm-router/triton';
import { KServeGrpcClient } from '../src/decide/classify/kserve-grpc.ts';
import { KServeHttpClient } from '../src/decide/classify/kserve-http.ts';
import type { ModelClient } from '../src/decide/classify/model-client.ts';

const REPOSITORY = join(import.meta.dirname, '../../../model_repository');
const MODEL = 'complexity_router_ensemble';
const TEXT = 'Plan a week of dinners for four, no nuts, under 60 euros.';
const OPTIONS = { deadlineMs: 30_000 };

const SERVERS = {
  'router-server': async () => {
    const server: RouterServer = await startRouterServer({
      repository: REPOSITORY,
      threads: 1,
      pollSeconds: 0,
    });
    return { grpc: server.grpc, http: server.http, stop: server.close };
  },
  Triton: async () => {
    const load = [MODEL, 'complexity_router_details'];
    const server: Triton = await startTriton({ repository: REPOSITORY, modelControl: 'explicit', load });
    return { grpc: server.grpc, http: server.http, stop: server.stop };
  },
};

for (const [name, start] of Object.entries(SERVERS)) {
  describe(name, () => {
    let server: Awaited<ReturnType<typeof start>>;
    let clients: Record<string, ModelClient>;
    before(async () => {
      server = await start();
      clients = {
        gRPC: new KServeGrpcClient(server.grpc, MODEL),
        HTTP: new KServeHttpClient(server.http, MODEL),
      };
    });
    after(async () => {
      for (const client of Object.values(clients ?? {})) client.close();
      await server?.stop();
    });

    test('over gRPC and HTTP: labels, token count and scores, asked by the name that v1 knows', async () => {
      for (const [protocol, client] of Object.entries(clients)) {
        const model = await client.describe(OPTIONS);
        assert.equal(model.model, 'complexity_router_details', protocol);
        assert.equal(model.labels?.length, 7);
        assert.equal(model.tokenLimit, 256);
        assert.equal(model.agentTemperature, 1.422);
        assert.equal(model.scoreNames.length, 8);
        const { answers } = await client.infer([TEXT, 'hi'], model, OPTIONS);
        assert.deepEqual(
          answers.map(({ output, scores }) => [output.length, scores?.length]),
          [
            [7, 8],
            [7, 8],
          ],
        );
        assert.ok(answers[0]!.tokenCount! > answers[1]!.tokenCount!, protocol);
      }
    });

    test('when the second ensemble is gone the label still comes, and the next description says so', async () => {
      const known = await Promise.all(Object.values(clients).map((client) => client.describe(OPTIONS)));
      const gone = await fetch(`${server.http}/v2/repository/models/complexity_router_details/unload`, {
        method: 'POST',
        body: '{}',
      });
      assert.equal(gone.status, 200);
      for (const [index, [protocol, client]] of Object.entries(clients).entries()) {
        const { answers } = await client.infer([TEXT], known[index]!, OPTIONS);
        assert.equal(answers[0]!.output.length, 7, protocol);
        assert.equal(answers[0]!.tokenCount, null);
        const model = await client.describe(OPTIONS);
        assert.equal(model.model, undefined);
        assert.equal(model.labels?.length, 7);
        assert.equal(model.hasTokenCount, false);
      }
    });
  });
}
