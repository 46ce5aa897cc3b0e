/** What the classifier says, how sure it is, and what became of it. */
import type { Board } from './board.ts';
import { countRate, labelDrift, mean, metric, orZero, quantile, rate } from './promql.ts';

const POLICY = 'policy=~"$policy"';
const all = rate('classifications', ['policy'], POLICY);

export const routing: Board = {
  uid: 'llm-router-routing',
  title: 'LLM Router / Routing',
  description: 'Labels, confidence, fallbacks and drift of the classifier, and what routing saves.',
  variables: [
    { name: 'policy', label: 'Policy', values: 'label_values(llm_router_decisions_total, policy)' },
    { name: 'window', label: 'Window of shares', values: ['1h', '5m', '15m', '6h', '1d'] },
    { name: 'compare', label: 'Compare with', values: ['1w', '1d', '1h'] },
  ],
  rows: [
    {
      title: 'Labels',
      panels: [
        {
          id: 1,
          title: 'Label mix',
          description: 'Share of each top-1 label. `none` is a prompt that could not be classified.',
          unit: 'percentunit',
          kind: 'stack',
          width: 12,
          max: 1,
          queries: [
            {
              expr: `${rate('classifications', ['policy', 'label'], POLICY)} / on (policy) group_left () ${all}`,
              legend: '{{policy}} · {{label}}',
            },
          ],
        },
        {
          id: 2,
          title: 'Drift of the label mix',
          description:
            'How far the shares have moved against the same time last week (or what “Compare with” says): 0 is the same mix, 1 nothing in common. Over 0.25 the traffic or the classifier has changed: look at which labels grew, and try the classifier on fresh prompts.',
          unit: 'percentunit',
          width: 12,
          bad: 0.25,
          max: 1,
          queries: [
            { expr: labelDrift('$window', '$compare', (key) => metric(key, POLICY)), legend: '{{policy}}' },
          ],
        },
        {
          id: 3,
          title: 'Decisions by reason',
          description:
            'How decisions came to be. `classified` is the rule; `…_fallback` and `heuristic` are degraded decisions.',
          unit: 'reqps',
          kind: 'stack',
          queries: [{ expr: rate('decisions', ['reason'], POLICY), legend: '{{reason}}' }],
        },
        {
          id: 4,
          title: 'Decisions by entry and target',
          description: 'Where requests are sent first.',
          unit: 'reqps',
          queries: [
            { expr: rate('decisions', ['entry', 'target'], POLICY), legend: '{{entry}} → {{target}}' },
          ],
        },
        {
          id: 5,
          title: 'Decisions without the classifier’s word',
          description:
            'Share of decisions by fallback or guess, because the classifier was unsure, late or away.',
          unit: 'percentunit',
          bad: 0.1,
          queries: [
            {
              expr: `(${orZero(rate('decisions', [], `${POLICY},reason=~".*_fallback|heuristic"`))}) / ${rate('decisions', [], POLICY)}`,
              legend: 'fallbacks',
            },
          ],
        },
      ],
    },
    {
      title: 'Confidence',
      panels: [
        {
          id: 10,
          title: 'Confidence',
          description:
            'Top-1 probability: median, and the value that nine of ten classifications reach. A falling line is the first sign of prompts that the classifier was not trained on.',
          unit: 'percentunit',
          max: 1,
          queries: [
            { expr: quantile(0.5, 'confidence', ['policy'], POLICY), legend: '{{policy}} median' },
            { expr: quantile(0.1, 'confidence', ['policy'], POLICY), legend: '{{policy}} p10' },
          ],
        },
        {
          id: 11,
          title: 'Confidence, distribution',
          description: 'All classifications by their top-1 probability.',
          unit: 'short',
          kind: 'heatmap',
          queries: [
            {
              expr: `sum by (le) (increase(${metric('confidence', POLICY, '_bucket')}[$__rate_interval]))`,
              legend: '{{le}}',
            },
          ],
        },
        {
          id: 12,
          title: 'Mean confidence by label',
          description: 'Labels that the classifier gives without being sure of them.',
          unit: 'percentunit',
          max: 1,
          queries: [
            { expr: mean('confidence', ['policy', 'label'], POLICY), legend: '{{policy}} · {{label}}' },
          ],
        },
        {
          id: 13,
          title: 'Outcomes of classification',
          description:
            'applied and cached are good; low_confidence, unknown_label, timeout and error end in the fallback entry.',
          unit: 'percentunit',
          kind: 'stack',
          max: 1,
          queries: [
            {
              expr: `${rate('classifications', ['outcome'], POLICY)} / on () group_left () ${rate('classifications', [], POLICY)}`,
              legend: '{{outcome}}',
            },
          ],
        },
        {
          id: 14,
          title: 'Prompts that were cut',
          description:
            'Prompts longer than the classifier reads: cut by the router (chars) or inside the model (tokens). Head and tail are kept.',
          unit: 'reqps',
          queries: [{ expr: orZero(rate('truncated', ['stage'], POLICY)), legend: '{{stage}}' }],
        },
        {
          id: 15,
          title: 'Shadow policies',
          description: 'Whether a shadow policy would have given the same label.',
          unit: 'reqps',
          queries: [
            { expr: orZero(rate('shadow', ['shadow', 'result'], POLICY)), legend: '{{shadow}} {{result}}' },
          ],
        },
      ],
    },
    {
      title: 'The classifier as a service',
      panels: [
        {
          id: 20,
          title: 'Classifier round trip',
          description: 'Time of classifications that were not in the cache, with waiting for the batch.',
          unit: 's',
          queries: [0.5, 0.95, 0.99].map((q) => ({
            expr: quantile(q, 'classifySeconds', [], POLICY),
            legend: `p${q * 100}`,
          })),
        },
        {
          id: 21,
          title: 'Classifier errors',
          description:
            'Failed calls by reason. timeout: past classifier.deadline_ms; breaker_open: it failed before and rests.',
          unit: 'reqps',
          queries: [
            {
              expr: orZero(rate('classifierErrors', ['policy', 'reason'], POLICY)),
              legend: '{{policy}} {{reason}}',
            },
          ],
        },
        {
          id: 22,
          title: 'Classifier ready',
          description:
            '1 while the classifier answers and its labels agree with the policy’s. The lowest of all replicas.',
          unit: 'none',
          states: { 0: { text: 'degraded', color: 'red' }, 1: { text: 'ready', color: 'green' } },
          max: 1,
          queries: [{ expr: `min by (policy) (${metric('classifierReady', POLICY)})`, legend: '{{policy}}' }],
        },
        {
          id: 23,
          title: 'Decision cache',
          description:
            'Classifications answered from memory (hit), together with another request (shared), or by the model (miss).',
          unit: 'reqps',
          kind: 'stack',
          queries: [{ expr: rate('cache', ['result'], POLICY), legend: '{{result}}' }],
        },
        {
          id: 24,
          title: 'Prompts per classifier call',
          description:
            'Mean size of the batches that the router sends; more than 1 only when requests come together.',
          unit: 'short',
          queries: [{ expr: mean('classifierBatch'), legend: 'prompts' }],
        },
        {
          id: 25,
          title: 'Conversations',
          description:
            'Pinned conversations: new, kept on their model, moved up to harder work, or moved because their target failed.',
          unit: 'reqps',
          queries: [{ expr: orZero(rate('pinned', ['event'], POLICY)), legend: '{{event}}' }],
        },
      ],
    },
    {
      title: 'What routing saves',
      panels: [
        {
          id: 30,
          title: 'Cost and savings',
          description:
            'USD per hour that was spent, and that would have been spent in addition at the dearest target.',
          unit: 'currencyUSD',
          kind: 'stack',
          width: 12,
          queries: [
            { expr: `${rate('cost', [], POLICY)} * 3600`, legend: 'spent' },
            { expr: `${rate('savings', [], POLICY)} * 3600`, legend: 'saved' },
          ],
        },
        {
          id: 31,
          title: 'Share saved',
          description: 'Savings by policy, as a share of what the dearest target alone would have cost.',
          unit: 'percentunit',
          width: 12,
          max: 1,
          queries: [
            {
              expr: `${rate('savings', ['policy'], POLICY)} / (${rate('savings', ['policy'], POLICY)} + ${rate('cost', ['policy'], POLICY)})`,
              legend: '{{policy}}',
            },
          ],
        },
        {
          id: 34,
          title: 'Saved by value',
          description:
            'USD per hour that policies of kind value saved against asking the target with the most P for every prompt (best), or the dearest one (dearest).',
          unit: 'currencyUSD',
          width: 12,
          queries: [
            {
              expr: orZero(`${rate('valueSaved', ['policy', 'against'], POLICY)} * 3600`),
              legend: '{{policy}} against {{against}}',
            },
          ],
        },
        {
          id: 35,
          title: 'Predicted quality',
          description:
            'Mean P that the answer of the chosen target is good, as the head of a policy of kind value says. A falling line: harder prompts, or a head that knows them less.',
          unit: 'percentunit',
          width: 12,
          max: 1,
          needs: 'value',
          queries: [
            {
              expr: mean('valueQuality', ['policy', 'target'], POLICY),
              legend: '{{policy}} · {{target}}',
            },
          ],
        },
        {
          id: 36,
          title: 'Quality as it was scored, and as it was predicted',
          description:
            'Mean score of the answers that were scored (POST /v1/feedback), and the mean P that the head had given the same answers. Apart: the head is no longer calibrated on this traffic; train it anew.',
          unit: 'percentunit',
          width: 12,
          max: 1,
          needs: 'value',
          queries: [
            {
              expr: `${rate('feedbackQuality', ['policy', 'of'], POLICY)} / on (policy) group_left () ${rate('feedback', ['policy'], POLICY)}`,
              legend: '{{policy}} {{of}}',
            },
          ],
        },
        {
          id: 32,
          title: 'v1’s view: requests by entry',
          description: 'The metric names of the blueprint’s v1, for boards that were built on them.',
          unit: 'reqps',
          width: 12,
          queries: [{ expr: rate('v1PerModel', ['model']), legend: '{{model}}' }],
        },
        {
          id: 33,
          title: 'v1’s view: time to decide',
          description: 'model_selection_time_seconds, as v1 named it.',
          unit: 's',
          width: 12,
          queries: [
            { expr: quantile(0.95, 'v1Selection'), legend: 'p95' },
            { expr: `${mean('v1Selection')} and ${countRate('v1Selection')} > 0`, legend: 'mean' },
          ],
        },
      ],
    },
  ],
};
