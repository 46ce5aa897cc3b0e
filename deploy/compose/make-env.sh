#!/bin/sh
# Writes .env beside this file: .env.example with a fresh key for the router and fresh passwords. Shows none of them.
set -eu
umask 077
cd "$(dirname "$0")"
if [ -e .env ]; then
  echo "there is a .env already; move it away first: its passwords are those of the volumes" >&2
  exit 1
fi

random() { od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n'; }
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }

key="sk-llmr-$(random)"
# Written by builtins of the shell, so that no secret is an argument of a process.
while IFS= read -r line; do
  case $line in
    LLM_ROUTER_API_KEY=) printf '%s%s\n' "$line" "$key" ;;
    LLM_ROUTER_KEY_HASH=) printf '%ssha256:%s\n' "$line" "$(printf %s "$key" | sha256)" ;;
    REDIS_PASSWORD= | GRAFANA_ADMIN_PASSWORD=) printf '%s%s\n' "$line" "$(random)" ;;
    *) printf '%s\n' "$line" ;;
  esac
done <.env.example >.env.new
mv .env.new .env
echo "wrote $(pwd)/.env; start with: docker compose up --build"
