/** What `--help` prints. */
export const HELP = `llm-router playground [--host H] [--port N]

  --host H             address to listen on (default: 127.0.0.1)
  --port N             port (default: 8008; 0 takes a free one)
  --exit-with-parent   stop when standard input ends

LLM_ROUTER_URL       base URL of the router (default: http://127.0.0.1:8084)
LLM_ROUTER_API_KEY   key for the router; it stays on this server
PLAYGROUND_HOSTS     names the page may be opened by, with commas between (default: loopback's, and addresses; *: any)
PLAYGROUND_PASSWORD  asked of whoever opens the page (any user name)
PLAYGROUND_TRUSTED_PROXIES  proxies whose X-Forwarded-For tells who asks, with commas between: addresses, ranges such as
                     10.1.0.0/16, loopback, linklocal, uniquelocal (default: none; wrong passwords are counted by address)

Examples:
  $ llm-router playground
      http://127.0.0.1:8008, before the router at http://127.0.0.1:8084
  $ LLM_ROUTER_URL=https://router.example.com LLM_ROUTER_API_KEY=sk-… llm-router playground --port 0
      before another router, on a free port`;
