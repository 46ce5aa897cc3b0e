/** The models behind the router, one line a target. */
import type { Board } from './board.ts';
import { mean, metric, orZero, quantile, rate } from './promql.ts';

const TARGET = 'target=~"$target"';
const SENT = 'outcome!~"breaker_open|limited|incapable|aborted"';
const FAILED = 'outcome!~"ok|status_4xx|breaker_open|limited|incapable|aborted"';

export const upstreams: Board = {
  uid: 'llm-router-upstreams',
  title: 'LLM Router / Upstreams',
  description: 'Latency, errors, breakers and tokens of each target.',
  variables: [{ name: 'target', label: 'Target', values: 'label_values(llm_router_breaker_state, target)' }],
  rows: [
    {
      title: 'Health',
      panels: [
        {
          id: 1,
          title: 'Attempts',
          description: 'Calls by target, those that failed and were followed by a fallback included.',
          unit: 'reqps',
          kind: 'stack',
          queries: [{ expr: rate('attempts', ['target'], TARGET), legend: '{{target}}' }],
        },
        {
          id: 2,
          title: 'Failed attempts, share by target',
          description:
            'Attempts without a usable answer, of those that were sent. Clients notice only when the fallbacks fail too.',
          unit: 'percentunit',
          bad: 0.05,
          max: 1,
          queries: [
            {
              expr: `${rate('attempts', ['target'], `${TARGET},${FAILED}`)} / ${rate('attempts', ['target'], `${TARGET},${SENT}`)}`,
              legend: '{{target}}',
            },
          ],
        },
        {
          id: 3,
          title: 'Outcomes of attempts',
          description:
            'Why attempts failed: status_…, timeout_…, connect_error, cut (broke off), error_event (an error inside a 200 stream), bad_credentials, model_retired.',
          unit: 'reqps',
          queries: [{ expr: rate('attempts', ['outcome'], TARGET), legend: '{{outcome}}' }],
        },
        {
          id: 4,
          title: 'Circuit breakers',
          description:
            'A target with repeated failures rests and is asked by one probe at a time. The worst of all replicas.',
          unit: 'none',
          states: {
            0: { text: 'closed', color: 'green' },
            1: { text: 'half-open', color: 'orange' },
            2: { text: 'open', color: 'red' },
          },
          max: 2,
          queries: [{ expr: `max by (target) (${metric('breaker', TARGET)})`, legend: '{{target}}' }],
        },
        {
          id: 5,
          title: 'Keys refused',
          description:
            '1 while a target refuses the key that the configuration has for it: expired, revoked, or without credit.',
          unit: 'none',
          states: { 0: { text: 'taken', color: 'green' }, 1: { text: 'refused', color: 'red' } },
          max: 1,
          queries: [{ expr: `max by (target) (${metric('badCredentials', TARGET)})`, legend: '{{target}}' }],
        },
        {
          id: 6,
          title: 'Models that are gone',
          description: 'Answers 404 and 410: the provider has retired the model, or its id is wrong.',
          unit: 'reqps',
          queries: [{ expr: rate('retired', ['target'], TARGET), legend: '{{target}}' }],
        },
        {
          id: 7,
          title: 'Fallbacks',
          description: 'Moves from a target to the next one of the entry, by what was wrong with the first.',
          unit: 'reqps',
          width: 12,
          queries: [{ expr: orZero(rate('fallbacks', ['entry', 'reason'])), legend: '{{entry}} {{reason}}' }],
        },
        {
          id: 8,
          title: 'Incomplete streams',
          description: 'Streams that began and were ended by the upstream without their natural end.',
          unit: 'reqps',
          width: 12,
          queries: [{ expr: rate('incomplete', ['target'], TARGET), legend: '{{target}}' }],
        },
      ],
    },
    {
      title: 'Speed',
      panels: [
        {
          id: 10,
          title: 'First token, median',
          description: 'Streams: from sending to the first content.',
          unit: 's',
          queries: [{ expr: quantile(0.5, 'ttft', ['target'], TARGET), legend: '{{target}}' }],
        },
        {
          id: 11,
          title: 'First token, p95',
          description: 'Nineteen of twenty streams begin within this time.',
          unit: 's',
          bad: 5,
          queries: [{ expr: quantile(0.95, 'ttft', ['target'], TARGET), legend: '{{target}}' }],
        },
        {
          id: 12,
          title: 'Time per output token',
          description:
            'Mean time between tokens after the first, of streams. 0.05 s is about as fast as people read.',
          unit: 's',
          queries: [{ expr: mean('perToken', ['target'], TARGET), legend: '{{target}}' }],
        },
        {
          id: 13,
          title: 'Whole answer, p50',
          description: 'From sending to the last byte of the attempt that answered.',
          unit: 's',
          queries: [{ expr: quantile(0.5, 'upstreamSeconds', ['target'], TARGET), legend: '{{target}}' }],
        },
        {
          id: 14,
          title: 'Whole answer, p95',
          description: 'From sending to the last byte of the attempt that answered.',
          unit: 's',
          queries: [{ expr: quantile(0.95, 'upstreamSeconds', ['target'], TARGET), legend: '{{target}}' }],
        },
        {
          id: 15,
          title: 'First byte, p95',
          description:
            'From sending to the first byte of the answer, streamed or not: how long the upstream thinks or queues.',
          unit: 's',
          queries: [{ expr: quantile(0.95, 'firstByte', ['target'], TARGET), legend: '{{target}}' }],
        },
      ],
    },
    {
      title: 'Tokens',
      panels: [
        {
          id: 20,
          title: 'Output tokens',
          description: 'Tokens generated per second by target.',
          unit: 'cps',
          queries: [{ expr: rate('tokens', ['target'], `${TARGET},type="output"`), legend: '{{target}}' }],
        },
        {
          id: 21,
          title: 'Input tokens',
          description: 'Prompt tokens per second by target, with those that the upstream had cached.',
          unit: 'cps',
          queries: [
            {
              expr: rate('tokens', ['target'], `${TARGET},type=~"input|cached_input"`),
              legend: '{{target}}',
            },
          ],
        },
        {
          id: 22,
          title: 'Input tokens from the upstream’s cache',
          description:
            'Share of prompt tokens that the upstream charges as cached. Pinned conversations (sticky) raise it.',
          unit: 'percentunit',
          max: 1,
          queries: [
            {
              expr: `${rate('tokens', ['target'], `${TARGET},type="cached_input"`)} / ${rate('tokens', ['target'], `${TARGET},type=~"input|cached_input"`)}`,
              legend: '{{target}}',
            },
          ],
        },
        {
          id: 23,
          title: 'Tokens that were not reported',
          description:
            'Share of tokens that the upstream did not report: counted by the router’s own tokenizer, or only estimated by length.',
          unit: 'percentunit',
          max: 1,
          queries: [
            {
              expr: `(${orZero(rate('tokens', [], `${TARGET},source="tokenizer"`))}) / ${rate('tokens', [], TARGET)}`,
              legend: 'counted',
            },
            {
              expr: `(${orZero(rate('tokens', [], `${TARGET},source="estimate"`))}) / ${rate('tokens', [], TARGET)}`,
              legend: 'estimated',
            },
          ],
        },
        {
          id: 24,
          title: 'OpenTelemetry: duration by model, p95',
          description:
            'gen_ai_server_request_duration_seconds by model and error type, for tools that know these names.',
          unit: 's',
          queries: [
            {
              expr: quantile(0.95, 'genAiDuration', ['gen_ai_request_model', 'error_type']),
              legend: '{{gen_ai_request_model}} {{error_type}}',
            },
          ],
        },
        {
          id: 25,
          title: 'OpenTelemetry: tokens per call, mean',
          description: 'gen_ai_client_token_usage by kind.',
          unit: 'short',
          queries: [{ expr: mean('genAiTokens', ['gen_ai_token_type']), legend: '{{gen_ai_token_type}}' }],
        },
      ],
    },
  ],
};
