import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growth, parseMetrics, quantile } from './metrics.ts';
import { linesOf, viewOf } from './view.ts';

const text = (requests: number, slow: number) => `
# HELP llm_router_requests_total Requests
llm_router_requests_total{policy="p",status="200",code=""} ${requests}
llm_router_requests_total{policy="p",status="429",code="rate_limit_exceeded"} ${requests / 10}
llm_router_decisions_total{policy="p",entry="Code \\"x\\"",target="big",reason="classified"} ${requests / 4}
llm_router_decisions_total{policy="p",entry="Chatbot",target="small",reason="classified"} ${(requests * 3) / 4}
llm_router_upstream_attempts_total{target="small",outcome="ok"} ${requests}
llm_router_upstream_attempts_total{target="small",outcome="timeout"} ${requests / 4}
llm_router_upstream_seconds_bucket{le="0.1",target="small"} ${requests}
llm_router_upstream_seconds_bucket{le="0.5",target="small"} ${requests + slow}
llm_router_upstream_seconds_bucket{le="+Inf",target="small"} ${requests + slow}
llm_router_cost_usd_total{policy="p",target="small"} ${requests / 1000}
llm_router_breaker_state{target="small"} 2
llm_router_in_flight 3
`;

test('an interval is what came between two readings', () => {
  const view = viewOf(parseMetrics(text(0, 0)), parseMetrics(text(40, 40)), 2);
  assert.equal(view.requests_per_s, 22);
  assert.deepEqual(view.labels, [
    { label: 'Chatbot', per_s: 15, share: 0.75 },
    { label: 'Code "x"', per_s: 5, share: 0.25 },
  ]);
  assert.deepEqual(view.errors, [{ code: 'rate_limit_exceeded', per_s: 2 }]);
  const [small] = view.targets;
  assert.deepEqual([small!.breaker, small!.failed, small!.per_s], ['open', 0.2, 25]);
  assert.deepEqual([small!.p50_s, small!.p90_s!.toFixed(2)], [0.1, '0.42']);
  assert.equal(Math.round(view.usd_per_h), 72);
  const lines = linesOf(view, 'http://r').join('\n');
  assert.match(lines, /22 requests\/s, 3 in flight/);
  assert.match(lines, /^small +25 +100 ms +420 ms +– +20 % +open +\$72\.00\/h$/m);
});

test('a router that was started anew counts from nothing', () => {
  assert.deepEqual([...growth(new Map([['a', 100]]), new Map([['a', 7]]))], [['a', 7]]);
  const now = parseMetrics(text(40, 0));
  assert.equal(quantile(now, now, 'llm_router_upstream_seconds', 0.5), null);
});
