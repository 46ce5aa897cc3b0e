export { BoundedNames } from './bounded.ts';
export { CATALOGUE, type MetricSpec } from './catalogue.ts';
export { Exposition } from './exposition.ts';
export { createLog, type Logger, logRequest, type RouterLog, redact } from './log.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { inSources } from './places.ts';
export { guardResponses, isTooWeak, secrets } from './secrets/index.ts';
export { NO_SPAN, type Span, type SpanAttributes, type Tracing } from './spans.ts';
export { createTracing } from './tracing.ts';
