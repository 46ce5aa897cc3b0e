/** The processes: the router's Node, and the Triton that classifies. */
import type { Board } from './board.ts';
import { CHOSEN, metric, orZero, quantile, rate } from './promql.ts';

const node = (name: string) => `${name}{${CHOSEN}}`;
const MODEL = 'model=~"$model"';
const triton = (name: string, by: string, where = '') =>
  `sum by (${by}) (rate(${name}{${MODEL}${where}}[$__rate_interval]))`;
/** Microseconds that Triton added up, over the requests it added them for. */
const perRequest = (name: string) =>
  `${triton(name, 'model')} / ${triton('nv_inference_request_success', 'model')} / 1e6`;

export const runtime: Board = {
  uid: 'llm-router-runtime',
  title: 'LLM Router / Runtime and Triton',
  description:
    'Event loop, memory and configuration of the router; queue, compute and batches of Triton; the GPU.',
  variables: [
    { name: 'instance', label: 'Replica', values: 'label_values(llm_router_build_info, instance)' },
    { name: 'model', label: 'Model', values: 'label_values(nv_inference_count, model)' },
  ],
  rows: [
    {
      title: 'Router',
      panels: [
        {
          id: 1,
          title: 'Event-loop lag, p99',
          description:
            'How late timers run. Every request waits as long, so more than 0.1 s is felt; the remedy is another replica.',
          unit: 's',
          bad: 0.1,
          queries: [
            {
              expr: quantile(0.99, 'eventLoopLag', ['instance'], 'instance=~"$instance"'),
              legend: '{{instance}}',
            },
          ],
        },
        {
          id: 2,
          title: 'Event loop at work',
          description: 'Share of time in which the event loop is busy. It is one thread: 1 is all there is.',
          unit: 'percentunit',
          bad: 0.85,
          max: 1,
          queries: [
            { expr: rate('eventLoopBusy', ['instance'], 'instance=~"$instance"'), legend: '{{instance}}' },
          ],
        },
        {
          id: 3,
          title: 'CPU',
          description: 'Cores used, garbage collection and native threads included.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (instance) (rate(${node('process_cpu_seconds_total')}[$__rate_interval]))`,
              legend: '{{instance}}',
            },
          ],
        },
        {
          id: 4,
          title: 'Memory',
          description:
            'Resident memory, and the part that is JavaScript’s heap. A line that only climbs is a leak.',
          unit: 'bytes',
          queries: [
            { expr: node('process_resident_memory_bytes'), legend: '{{instance}} resident' },
            { expr: node('nodejs_heap_size_used_bytes'), legend: '{{instance}} heap' },
          ],
        },
        {
          id: 5,
          title: 'Garbage collection',
          description:
            'Share of time spent in collections, by kind. `major` above a few percent: too little memory.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum by (kind) (rate(${node('nodejs_gc_duration_seconds_sum')}[$__rate_interval]))`,
              legend: '{{kind}}',
            },
          ],
        },
        {
          id: 6,
          title: 'Open files',
          description: 'File descriptors: two for each request in flight, more or less.',
          unit: 'short',
          queries: [{ expr: node('process_open_fds'), legend: '{{instance}}' }],
        },
        {
          id: 7,
          title: 'Configuration',
          description:
            '1 while the newest configuration file is in force, by replica. 0: it was refused, the log says why, and the one before goes on.',
          unit: 'none',
          max: 1,
          states: { 0: { text: 'refused', color: 'red' }, 1: { text: 'in force', color: 'green' } },
          queries: [{ expr: `min by (instance) (${metric('reloadOk')})`, legend: '{{instance}}' }],
        },
        {
          id: 8,
          title: 'Running since',
          description: 'Start of the process; a young one was restarted.',
          unit: 'dateTimeFromNow',
          kind: 'stat',
          width: 8,
          queries: [
            {
              expr: `min by (instance) (${node('process_start_time_seconds')}) * 1000`,
              legend: '{{instance}}',
            },
          ],
        },
        {
          id: 9,
          title: 'Log lines dropped',
          description:
            'Lines given up because whatever reads the log was too slow; requests are never held up for it.',
          unit: 'short',
          width: 8,
          queries: [{ expr: rate('logDropped'), legend: 'lines/s' }],
        },
        {
          id: 11,
          title: 'Notices',
          description:
            'Notices to webhooks: sent; told by another replica; given up, because the receiver did not take them; dropped, because too many came at once.',
          unit: 'short',
          queries: [
            { expr: orZero(rate('notices', ['webhook', 'result'])), legend: '{{webhook}} {{result}}' },
          ],
        },
        {
          id: 10,
          title: 'Scrapes',
          description: 'How long Prometheus waits for a replica’s metrics.',
          unit: 's',
          queries: [
            { expr: `max by (instance) (scrape_duration_seconds{${CHOSEN}})`, legend: '{{instance}}' },
          ],
        },
      ],
    },
    {
      title: 'Triton',
      panels: [
        {
          id: 20,
          title: 'Inferences',
          description: 'Prompts per second by model; an ensemble counts beside its parts.',
          unit: 'reqps',
          needs: 'triton',
          queries: [{ expr: triton('nv_inference_count', 'model'), legend: '{{model}}' }],
        },
        {
          id: 21,
          title: 'Failed requests',
          description:
            'By model and reason. REJECTED: the queue was full; CANCELED: the router did not wait any longer.',
          unit: 'reqps',
          needs: 'triton',
          queries: [
            { expr: triton('nv_inference_request_failure', 'model, reason'), legend: '{{model}} {{reason}}' },
          ],
        },
        {
          id: 22,
          title: 'Batch size',
          description:
            'Mean number of prompts per execution. Growing under load is what the dynamic batcher is for.',
          unit: 'short',
          needs: 'triton',
          queries: [
            {
              expr: `${triton('nv_inference_count', 'model')} / ${triton('nv_inference_exec_count', 'model')}`,
              legend: '{{model}}',
            },
          ],
        },
        {
          id: 23,
          title: 'Waiting in the queue',
          description:
            'Mean per request. More than the batcher’s delay: the model has more work than it can do.',
          unit: 's',
          needs: 'triton',
          queries: [{ expr: perRequest('nv_inference_queue_duration_us'), legend: '{{model}}' }],
        },
        {
          id: 24,
          title: 'Computing',
          description: 'Mean inference time per request, without waiting and copying.',
          unit: 's',
          needs: 'triton',
          queries: [{ expr: perRequest('nv_inference_compute_infer_duration_us'), legend: '{{model}}' }],
        },
        {
          id: 25,
          title: 'Copying in and out',
          description: 'Mean time for inputs and outputs per request.',
          unit: 's',
          needs: 'triton',
          queries: [
            { expr: perRequest('nv_inference_compute_input_duration_us'), legend: '{{model}} in' },
            { expr: perRequest('nv_inference_compute_output_duration_us'), legend: '{{model}} out' },
          ],
        },
        {
          id: 26,
          title: 'Pending requests',
          description: 'Requests that wait inside Triton just now.',
          unit: 'short',
          needs: 'triton',
          width: 12,
          queries: [
            { expr: `sum by (model) (nv_inference_pending_request_count{${MODEL}})`, legend: '{{model}}' },
          ],
        },
        {
          id: 27,
          title: 'Triton’s CPU',
          description: 'Share of the machine’s cores in use where Triton runs.',
          unit: 'percentunit',
          needs: 'triton',
          width: 12,
          max: 1,
          queries: [{ expr: 'nv_cpu_utilization', legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'GPU',
      panels: [
        {
          id: 30,
          title: 'GPU at work',
          description: 'Share of time in which kernels run.',
          unit: 'percentunit',
          needs: 'gpu',
          max: 1,
          queries: [{ expr: 'nv_gpu_utilization', legend: '{{gpu_uuid}}' }],
        },
        {
          id: 31,
          title: 'GPU memory',
          description:
            'Memory in use on each GPU, and all that it has. Near the top, no further model or instance will load.',
          unit: 'bytes',
          needs: 'gpu',
          queries: [
            { expr: 'nv_gpu_memory_used_bytes', legend: '{{gpu_uuid}} used' },
            { expr: 'nv_gpu_memory_total_bytes', legend: '{{gpu_uuid}} total' },
          ],
        },
        {
          id: 32,
          title: 'GPU power',
          description: 'Drawn, and the limit at which it slows down.',
          unit: 'watt',
          needs: 'gpu',
          queries: [
            { expr: 'nv_gpu_power_usage', legend: '{{gpu_uuid}} drawn' },
            { expr: 'nv_gpu_power_limit', legend: '{{gpu_uuid}} limit' },
          ],
        },
      ],
    },
  ],
};
