/** What `--help` prints. */
export const HELP = `llm-router router-server --repository DIR

  --host H             address to listen on (default: 127.0.0.1)
  --grpc-port N        KServe v2 over gRPC (default: 8001; 0 takes a free one)
  --http-port N        KServe v2 over HTTP, and /metrics (default: 8000)
  --poll-seconds N     time between looks at the repository (default: 2; 0: only by the repository API)
  --threads N          threads of one inference (default: one per core, at most 4)
  --manage-from LIST   addresses and ranges, with commas between, that may load and unload models
                       (default: 127.0.0.0/8,::1; none: nobody may)
  --log-format F       text, on standard error (default), or json, on standard output with a severity
  --exit-with-parent   stop when standard input ends

Examples:
  $ llm-router router-server --repository model_repository
      the shipped classifiers, on ports 8001 and 8000
  $ llm-router router-server --repository model_repository --grpc-port 0 --threads 1 --log-format json
      on a free port, on one core, with logs for machines`;
