/** What `keys --help` says; apart from options.ts, which reads the command line as soon as it is imported. */
export const HELP = `keys create [RIGHTS] [--config FILE]
keys list                           --config FILE
keys update ID RIGHTS               --config FILE
keys rotate ID [--grace TIME]       --config FILE   the old secret is good for that long, such as 24h; default: it ends now
keys end-overlap ID                 --config FILE   ends old secrets before their time
keys disable|enable ID              --config FILE
keys revoke ID                      --config FILE
keys audit [ID] [--limit N]         --config FILE   who changed which key, newest first

RIGHTS: [--name TEXT] [--tenant NAME] [--policies A,B] [--targets A,B] [--expires TIME]
        [--rpm N] [--tpm N] [--concurrent N] [--budget-usd N | --budget-tokens N]
        [--budget-period day|week|month] [--budget-time-zone Europe/Berlin] [--budget-begins WEEKDAY|1…28]
With update, \`none\` takes one away: --expires none, --rpm none, --policies none (then all are allowed).
--by NAME   who does it, for the audit log; default: the user of this machine
--json      what came of it as one JSON object; hashes are left out of lists

Without --config, create prints what to put into the configuration file. With it, keys live in the Redis that the file
names (auth.keys_in_redis: true makes the router take them). A key that stands in the file itself is changed there: the
commands print what to write. TIME is a date, or a number of days such as 90d.

Examples:
  $ llm-router keys create --name ci --policies task_router --rpm 60 --expires 90d
      a key, and what lets it in
  $ llm-router keys rotate key_0123456789ab --grace 24h --config router.yaml
      a new secret; the old one is good for a day
  $ llm-router keys audit --limit 20 --config router.yaml --json
      the last changes, for a script`;
