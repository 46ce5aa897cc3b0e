/**
 * Every metric's name, kind, labels, unit and meaning; nothing else in the project names a metric. The reference page
 * `docs/reference/metrics.md` is generated from this file and checked for drift.
 *
 * Labels are bounded: policies, entries, targets, limits and reasons come from the configuration or closed sets;
 * users, keys, sessions and prompts never are labels.
 */

export interface MetricSpec {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
  /** Of gauges: how the values of several workers are one on their page. Counters and histograms are added up. */
  readonly together?: Together;
}

export type Together = 'sum' | 'max' | 'min' | 'first';

const counter = <const L extends readonly string[]>(name: string, labels: L, help: string) =>
  ({ kind: 'counter', name, labels, help }) as const;
const gauge = <const L extends readonly string[]>(
  name: string,
  labels: L,
  help: string,
  together: Together = 'sum',
) => ({ kind: 'gauge', name, labels, help, together }) as const;
const histogram = <const L extends readonly string[]>(
  name: string,
  labels: L,
  buckets: readonly number[],
  help: string,
) => ({ kind: 'histogram', name, labels, buckets, help }) as const;

/** Seconds from 0.1 ms: the router's own share of a request. */
const FAST = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2];
/** Seconds up to ten minutes: whole generations. */
const SLOW = [0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 600];
/** The buckets that OpenTelemetry's GenAI conventions advise. */
const OTEL_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const OTEL_TTFT = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const OTEL_PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const OTEL_TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304];
/** Seconds of lateness; a timer may be one millisecond late and mean nothing. */
const LAG = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const CONFIDENCE = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];

const GEN_AI = ['gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model'] as const;

export const CATALOGUE = {
  // v1's names, so that existing boards go on working.
  v1Requests: counter('num_requests', [], 'v1: requests received'),
  v1PerPolicy: counter('requests_per_policy', ['policy'], 'v1: requests by policy'),
  v1PerModel: counter('requests_per_model', ['model'], 'v1: requests by entry name'),
  v1Latency: histogram(
    'request_latency_seconds',
    [],
    SLOW,
    'v1: whole request; streams until their last byte',
  ),
  v1Success: counter('request_success_total', [], 'v1: requests answered below 400'),
  v1Failure: counter('request_failure_total', ['error_type'], 'v1: requests that failed, by error code'),
  v1PolicyUsage: counter('routing_policy_usage', ['routing_policy'], 'v1: requests by routing policy'),
  v1Selection: histogram('model_selection_time_seconds', [], FAST, 'v1: time to decide'),
  v1LlmTime: histogram(
    'llm_response_time_seconds',
    ['llm'],
    SLOW,
    'v1: time of the upstream call by entry name',
  ),
  v1Tokens: counter(
    'llm_token_usage',
    ['llm_name', 'category'],
    'v1: tokens by entry name and prompt|completion|total',
  ),
  v1Overhead: histogram(
    'proxy_overhead_latency_seconds',
    [],
    FAST,
    'v1: the router’s own share before the upstream call',
  ),

  // OpenTelemetry GenAI semantic conventions, in Prometheus spelling.
  genAiTokens: histogram(
    'gen_ai_client_token_usage',
    [...GEN_AI, 'gen_ai_token_type'],
    OTEL_TOKENS,
    'Tokens per call, by input|output',
  ),
  genAiDuration: histogram(
    'gen_ai_server_request_duration_seconds',
    [...GEN_AI, 'error_type'],
    OTEL_SECONDS,
    'Duration of the upstream call; error_type is empty on success, else the last attempt’s outcome',
  ),
  genAiTtft: histogram(
    'gen_ai_server_time_to_first_token_seconds',
    GEN_AI,
    OTEL_TTFT,
    'Time to first token, of streams',
  ),
  genAiPerToken: histogram(
    'gen_ai_server_time_per_output_token_seconds',
    GEN_AI,
    OTEL_PER_TOKEN,
    'Time per output token after the first, of streams',
  ),

  // The request as a whole.
  requests: counter(
    'llm_router_requests_total',
    ['policy', 'status', 'code'],
    'Requests by HTTP status and error code',
  ),
  duration: histogram('llm_router_request_duration_seconds', ['policy', 'stream'], SLOW, 'Whole request'),
  phase: histogram(
    'llm_router_phase_seconds',
    ['phase'],
    FAST,
    'The router’s own time by phase: receive (with the client’s upload), authenticate, admit, decide, send (decision to upstream), settle',
  ),
  passed: counter(
    'llm_router_passed_total',
    ['rule', 'target', 'status'],
    'Requests passed on without a decision, by the rule of the configuration that took them',
  ),
  bodyBytes: gauge('llm_router_body_bytes', [], 'Bytes of request bodies that this process holds'),
  connectionsDropped: counter(
    'llm_router_connections_dropped_total',
    [],
    'Connections closed unread because server.max_connections were open',
  ),
  inFlight: gauge('llm_router_in_flight', [], 'Requests being worked on'),
  queued: gauge('llm_router_queue_length', [], 'Requests waiting for a place'),
  queueWait: histogram(
    'llm_router_queue_wait_seconds',
    [],
    FAST,
    'Wait for a place, of requests that waited',
  ),
  disconnects: counter(
    'llm_router_client_disconnects_total',
    ['phase'],
    'Clients that left, by the phase they left in: receive, authenticate, admit, decide, call, relay',
  ),
  authFailures: counter(
    'llm_router_auth_failures_total',
    ['reason'],
    'Refused credentials by reason: missing, unknown, expired, disabled',
  ),

  // decide
  classifications: counter(
    'llm_router_classifications_total',
    ['policy', 'label', 'outcome'],
    'Classifications by top-1 label; outcome: applied, cached, low_confidence, timeout, error, unknown_label; of policies of kind value the target that was chosen, and unfamiliar',
  ),
  confidence: histogram(
    'llm_router_classification_confidence',
    ['policy', 'label'],
    CONFIDENCE,
    'Top-1 probability by the label it was given to',
  ),
  classifySeconds: histogram(
    'llm_router_classifier_seconds',
    ['policy'],
    FAST,
    'Round trip to the classifier',
  ),
  classifierErrors: counter(
    'llm_router_classifier_errors_total',
    ['policy', 'reason'],
    'Failed classifier calls: timeout, unavailable, breaker_open, bad_answer, other',
  ),
  classifierReady: gauge(
    'llm_router_classifier_ready',
    ['policy'],
    '1 when the policy’s labels are verified and its classifier answers',
    'min',
  ),
  classifierBatch: histogram(
    'llm_router_classifier_batch_size',
    [],
    [1, 2, 4, 8, 16, 32, 64],
    'Prompts per ModelInfer',
  ),
  truncated: counter(
    'llm_router_input_truncated_total',
    ['policy', 'stage'],
    'Prompts cut before (chars) or inside (tokens) the classifier',
  ),
  cache: counter(
    'llm_router_decision_cache_total',
    ['policy', 'result'],
    'Decision cache: hit, hit_shared (another replica had it), shared (one in flight was joined), miss',
  ),
  decisions: counter(
    'llm_router_decisions_total',
    ['policy', 'entry', 'target', 'reason'],
    'Decisions by entry, first target and reason',
  ),
  pinned: counter(
    'llm_router_conversations_total',
    ['policy', 'event'],
    'Conversations: new, kept, loop, moved_up, moved, ruled, moved_failure, returned',
  ),
  conversationSavings: counter(
    'llm_router_conversation_savings_usd_total',
    ['policy', 'by'],
    'What conversations saved: by staying (cached input tokens at their lower price), by moving (to a cheaper target than the one they were on)',
  ),
  secondLooks: counter(
    'llm_router_second_looks_total',
    ['policy', 'result'],
    'Follow-ups looked at again with the turns before them: changed, same, error',
  ),
  shadow: counter(
    'llm_router_shadow_total',
    ['policy', 'shadow', 'result'],
    'Shadow decisions: agree, differ, error',
  ),

  // call
  attempts: counter(
    'llm_router_upstream_attempts_total',
    ['target', 'outcome'],
    'Upstream attempts by outcome',
  ),
  fallbacks: counter(
    'llm_router_fallbacks_total',
    ['policy', 'entry', 'reason'],
    'Moves to the next target, by why',
  ),
  upstreamSeconds: histogram(
    'llm_router_upstream_seconds',
    ['target'],
    SLOW,
    'Answered calls, from the sending of the attempt that answered to its last byte',
  ),
  firstByte: histogram(
    'llm_router_first_byte_seconds',
    ['target'],
    OTEL_TTFT,
    'Send to first byte of the answer, streamed or not',
  ),
  ttft: histogram(
    'llm_router_ttft_seconds',
    ['target'],
    OTEL_TTFT,
    'Time to first token: send to the first event with content, of streams',
  ),
  perToken: histogram(
    'llm_router_time_per_output_token_seconds',
    ['target'],
    OTEL_PER_TOKEN,
    'Time per output token after the first, of streams',
  ),
  breaker: gauge(
    'llm_router_breaker_state',
    ['target'],
    'Circuit breaker: 0 closed, 1 half-open, 2 open',
    'max',
  ),
  badCredentials: gauge(
    'llm_router_target_credentials_bad',
    ['target'],
    '1 while the target refuses our key',
    'max',
  ),
  retired: counter(
    'llm_router_target_retired_total',
    ['target'],
    'Answers that say the model is gone (404, 410)',
  ),
  incomplete: counter('llm_router_incomplete_streams_total', ['target'], 'Streams without their natural end'),

  // limits and money
  limits: counter(
    'llm_router_limit_decisions_total',
    ['limit', 'scope', 'decision'],
    'Limit decisions: allowed, refused, shadow_refused',
  ),
  limiterErrors: counter(
    'llm_router_limiter_backend_errors_total',
    ['reason'],
    'Calls to Redis without an answer: timeout, error, waited (not asked, because the request had waited long enough)',
  ),
  limiterUp: gauge(
    'llm_router_limiter_backend_up',
    [],
    '1 while limits are shared through Redis (or need not be)',
    'min',
  ),
  tokens: counter(
    'llm_router_tokens_total',
    ['policy', 'target', 'type', 'source'],
    'Tokens: input, cached_input, output; source: upstream (reported), tokenizer (counted here), estimate (by length)',
  ),
  usageDoubted: counter(
    'llm_router_usage_doubted_total',
    ['target'],
    'Answers whose reported tokens can’t be (no whole numbers, or past the ceiling), and were counted or estimated instead',
  ),
  unpriced: counter(
    'llm_router_unpriced_requests_total',
    ['policy', 'target'],
    'Requests whose target has no price: no budget in USD was charged for them',
  ),
  cost: counter('llm_router_cost_usd_total', ['policy', 'target'], 'Cost by the price table, USD'),
  savings: counter(
    'llm_router_savings_usd_total',
    ['policy'],
    'Saved against sending everything to the policy’s dearest target, USD',
  ),
  valueSaved: counter(
    'llm_router_value_saved_usd_total',
    ['policy', 'against'],
    'Saved by policies of kind value against asking for every prompt the target with the most P (best) or the dearest one (dearest), USD',
  ),
  valueQuality: histogram(
    'llm_router_value_predicted_quality',
    ['policy', 'target'],
    CONFIDENCE,
    'P(good) of the target that was chosen, by policies of kind value',
  ),
  feedback: counter(
    'llm_router_feedback_total',
    ['policy', 'target', 'source'],
    'Scores of answers (POST /v1/feedback), by who scored: user, judge, test',
  ),
  feedbackQuality: counter(
    'llm_router_feedback_quality_total',
    ['policy', 'target', 'source', 'of'],
    'Sums over scored answers: of what was scored, and of what policies of kind value had predicted; by llm_router_feedback_total their means, which agree where the head is calibrated',
  ),
  tenantRequests: counter(
    'llm_router_tenant_requests_total',
    ['tenant', 'result'],
    'Requests by tenant; result: ok, limited (429), client_error, error, left. The first hundred tenants, then `other`',
  ),
  tenantTokens: counter(
    'llm_router_tenant_tokens_total',
    ['tenant', 'type'],
    'Tokens by tenant: input, output',
  ),
  tenantCost: counter('llm_router_tenant_cost_usd_total', ['tenant'], 'Cost by tenant, USD'),
  budgetUsed: gauge(
    'llm_router_budget_used_ratio',
    ['budget', 'scope'],
    'Highest used share among the budget’s holders',
    'max',
  ),

  ledgerLost: counter(
    'llm_router_ledger_lost_total',
    [],
    'Additions to usage or budgets that found no place while Redis was away for long',
  ),

  decisionLog: counter(
    'llm_router_decision_log_lines_total',
    ['result'],
    'Lines of the decision log: written, dropped (disk full, slow or not writable)',
  ),

  spendLog: counter(
    'llm_router_spend_log_lines_total',
    ['result'],
    'Lines of the spend log: written, dropped (disk full, slow or not writable)',
  ),
  objectLines: counter(
    'llm_router_object_store_lines_total',
    ['log', 'result'],
    'Lines for the object store: written, dropped (buffer full, not put in time, process stopping)',
  ),
  notices: counter(
    'llm_router_notices_total',
    ['webhook', 'result'],
    'Notices to webhooks: sent, given_up (not delivered in time, or refused for good), dropped (queue or rate full, process stopping), told_by_another (replica)',
  ),

  // the process
  eventLoopLag: histogram(
    'llm_router_event_loop_lag_seconds',
    [],
    LAG,
    'How late timers run; every request waits as long',
  ),
  eventLoopBusy: counter(
    'llm_router_event_loop_busy_seconds_total',
    [],
    'Time the event loop was at work; its rate is the share of one core',
  ),
  reloadOk: gauge(
    'llm_router_config_last_reload_successful',
    [],
    '1 when the newest configuration file is in force',
    'min',
  ),
  reloadTime: gauge(
    'llm_router_config_last_reload_success_timestamp_seconds',
    [],
    'When it came into force',
    'min',
  ),
  configDiffersSince: gauge(
    'llm_router_config_differs_since_timestamp_seconds',
    [],
    'Since when the file on disk differs from what is in force; 0: it does not',
    'max',
  ),
  reloads: counter('llm_router_config_reloads_total', ['result'], 'Reloads: applied, refused, unchanged'),
  logDropped: counter(
    'llm_router_log_lines_dropped_total',
    [],
    'Log lines dropped because the sink was too slow',
  ),
  build: gauge(
    'llm_router_build_info',
    ['version', 'node', 'config'],
    'Always 1; versions of the router, Node and the configuration',
    'first',
  ),
  workers: gauge('llm_router_workers', [], 'Processes that serve (server.workers)'),
  workerEnds: counter(
    'llm_router_worker_ends_total',
    [],
    'Workers that ended unasked and were replaced (server.workers)',
  ),
} as const satisfies Record<string, MetricSpec>;
