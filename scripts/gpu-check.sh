#!/bin/sh
# Whether the classifier's GPU path works on this machine, and how fast: a line of PASS or FAIL for each thing, then a table.
# 0: all passed. 1: something failed. 2: there is no GPU here, and nothing was checked.
set -u

usage() {
  cat <<'HELP'
scripts/gpu-check.sh [--image IMAGE] [--seconds N] [--quick] [--json FILE]

  --image IMAGE   image of deploy/docker/triton.Dockerfile on NVIDIA's base (default: llm-router-triton)
  --seconds N     time for each row of the table (default: 5)
  --quick         few prompts and two sizes of batches: whether it works at all
  --json FILE     what was found, as JSON, too

Asks of the machine: an NVIDIA GPU with its driver, Docker with NVIDIA's container toolkit, and this repository after `pnpm install`.
HELP
}

image=llm-router-triton
seconds=5
json=
quick=
while [ $# -gt 0 ]; do
  case "$1" in
    --image | --seconds | --json)
      [ $# -ge 2 ] || { echo "gpu-check: $1 wants a value" >&2; exit 1; }
      case "$1" in --image) image=$2 ;; --seconds) seconds=$2 ;; *) json=$2 ;; esac
      shift 2
      ;;
    --quick)
      quick=--quick
      shift
      ;;
    --help | -h) usage; exit 0 ;;
    *) echo "gpu-check: no option $1; see --help" >&2; exit 1 ;;
  esac
done

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
failed=0
pass() { echo "PASS $*"; }
fail() { echo "FAIL $*"; failed=1; }
# What comes after needs it.
stop() { fail "$@"; exit 1; }

if ! command -v nvidia-smi >/dev/null 2>&1; then
  echo "gpu-check: no NVIDIA GPU here (there is no nvidia-smi): nothing was checked"
  exit 2
fi
if ! found=$(nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv,noheader 2>&1) || [ -z "$found" ]; then
  echo "gpu-check: no NVIDIA GPU here (nvidia-smi: $(echo "$found" | head -n 1)): nothing was checked"
  exit 2
fi

# One GPU is what is wanted; of several the first is looked at.
gpu=$(echo "$found" | head -n 1)
capability=$(echo "$gpu" | cut -d, -f3 | tr -d ' ')
driver=$(echo "$gpu" | cut -d, -f2 | tr -d ' ')
case "$driver" in
  *[!0-9.]* | '') fail "driver: nvidia-smi tells no version, but '$driver'" ;;
  *) if [ "${driver%%.*}" -ge 470 ]; then pass "driver $driver ($gpu)"; else fail "driver $driver is older than 470, which Triton 24.10 asks for"; fi ;;
esac
case "$capability" in
  [0-9]*.[0-9]*) if [ "${capability%%.*}" -ge 7 ]; then pass "compute capability $capability"; else fail "compute capability $capability: the router promises Volta (7.0) and newer"; fi ;;
  *) fail "compute capability: nvidia-smi tells none, but '$capability'" ;;
esac

docker info >/dev/null 2>&1 || stop "Docker: 'docker info' does not answer; start it, or let this user ask it"
pass "Docker answers"
docker image inspect "$image" >/dev/null 2>&1 ||
  stop "image $image is not here: docker build -f deploy/docker/triton.Dockerfile -t $image --build-arg TRITON_IMAGE=REGISTRY/nvidia/tritonserver:24.10-py3 ."
pass "image $image is here"
node=$root/node_modules/.bin/node
[ -x "$node" ] || stop "Node: $node is not there; run pnpm install in $root"

containers=
# shellcheck disable=SC2086,SC2317,SC2329 # ids, none with spaces; called by the trap
clean() { [ -z "$containers" ] || docker rm --force $containers >/dev/null 2>&1; }
trap clean EXIT
trap 'exit 1' INT TERM

# serve NAME REPOSITORY [ARGUMENTS OF docker run]: sets $address.
serve() {
  what=$1 repository=$2
  shift 2
  if ! id=$(docker run --detach --shm-size=256m --publish 127.0.0.1::8001 "$@" "$image" \
    tritonserver "--model-repository=$repository" --model-control-mode=none --http-address=127.0.0.1 2>&1); then
    stop "$what: docker run: $(echo "$id" | tail -n 1)"
  fi
  id=$(echo "$id" | tail -n 1)
  containers="$containers $id"
  address=$(docker port "$id" 8001 | head -n 1)
  [ -n "$address" ] || stop "$what ended at once: $(docker logs "$id" 2>&1 | tail -n 3)"
}

serve 'Triton on the GPU' /models-fp16 --gpus 1
on_gpu=$address gpu_container=$id
# The same weights on this machine's processor: what the GPU is held against.
serve 'Triton on the CPU' /models-fp16
on_cpu=$address

# shellcheck disable=SC2086 # nothing, or one word
if "$node" "$root/scripts/gpu/check.ts" --gpu "$on_gpu" --cpu "$on_cpu" --seconds "$seconds" $quick ${json:+--json "$json"}; then
  :
else
  failed=1
  echo "the end of what Triton said:"
  docker logs "$gpu_container" 2>&1 | tail -n 15
fi
[ "$failed" -eq 0 ] && echo "gpu-check: all passed" || echo "gpu-check: something failed"
exit "$failed"
