/**
 * The scripts that make limits exact over replicas: each runs whole, on Redis' own clock. All keys of a call share a hash
 * tag, so they live on one node of a cluster.
 *
 * A limit of one holder is two keys: a hash of theoretical arrival times in ms (`r` requests, `t` tokens; see gcra.ts),
 * and a sorted set of leases, one a request in flight: `ID|TOKENS RESERVED`, scored by when it ends unless it is renewed.
 * A controller that dies renews nothing, so what it held comes back.
 */
import { DEBT_BUCKETS } from './gcra.ts';

/** A key is kept no longer, ms: a bucket that takes more than a year to refill is full again then. */
const MAX_KEEP_MS = 400 * 86_400_000;

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
-- What no number can be read from counts as nothing.
local function number(value)
  local read = tonumber(value or '0') or 0
  return read == read and read or 0
end
local function text(number) return string.format('%.3f', number) end
local function latest(interval, burst) return now + ${DEBT_BUCKETS} * burst * interval end
local function keep(key, ms)
  -- What is no number is kept for as little as any.
  if not (ms >= 1000) then ms = 1000 end
  redis.call('PEXPIRE', key, string.format('%.0f', math.min(math.ceil(ms), ${MAX_KEEP_MS})))
end
`;

/** Gives back what leases past their end had reserved. `interval` 0: the limit counts no tokens. */
const SWEEP = `
local function sweep(state, leases, interval)
  local ended = redis.call('ZRANGEBYSCORE', leases, '-inf', text(now), 'LIMIT', 0, 100)
  if #ended == 0 then return end
  redis.call('ZREM', leases, unpack(ended))
  if interval == 0 then return end
  local tokens = 0
  for _, lease in ipairs(ended) do tokens = tokens + number(string.match(lease, '|([^|]*)$')) end
  local tat = number(redis.call('HGET', state, 't'))
  if tat > 0 then redis.call('HSET', state, 't', text(tat - tokens * interval)) end
end
`;

/**
 * Figures of a limit in ARGV: concurrent, request interval, request burst, requests, token interval, token burst, tokens,
 * shadow.
 */
export const PER_LIMIT = 8;
/** Figures of a limit in the answer: kind refused (0 none, 1 concurrent, 2 requests, 3 tokens), wait, two levels, places. */
export const PER_ANSWER = 7;

/**
 * KEYS: state and leases of each limit. ARGV: lease id, lease in ms, then {@link PER_LIMIT} figures a limit. A request may
 * ask twice under one id, first for requests and places, then for tokens: it has one lease all the same.
 * Answer: 1 when all was taken, then {@link PER_ANSWER} figures a limit: kind, wait ms, requests left, ms until full,
 * tokens left, ms until full, places left.
 */
export const TAKE = `${NOW}${SWEEP}
local id, lease = ARGV[1], tonumber(ARGV[2])
local answer, charges, allowed = {1}, {}, true

-- What was kept by an earlier version, or under another configuration, may owe more than anybody can pay.
local function kept(state, field, value, interval, burst)
  local tat, most = number(value), latest(interval, burst)
  if tat <= most then return tat end
  redis.call('HSET', state, field, text(most))
  keep(state, most - now)
  return most
end

local function bucket(tat, interval, burst, cost)
  local start = math.max(tat, now)
  local after = start + math.min(cost, burst) * interval
  local wait = math.max(0, after - now - burst * interval)
  local fits = wait < 0.002
  local used = fits and after or start
  return fits and 0 or wait, used, math.max(0, math.floor(burst - (used - now) / interval + 0.000001)), used - now
end

for i = 1, #KEYS / 2 do
  local state, leases = KEYS[2 * i - 1], KEYS[2 * i]
  local a = 2 + (i - 1) * ${PER_LIMIT}
  local concurrent, every, burst, requests =
    tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
  local token_every, token_burst, tokens, shadow =
    tonumber(ARGV[a + 5]), tonumber(ARGV[a + 6]), number(ARGV[a + 7]), ARGV[a + 8] == '1'
  local kind, waits, left, full, tokens_left, tokens_full, places = 0, 0, 0, 0, 0, 0, 0
  local charge = {state = state, leases = leases}
  if concurrent > 0 or token_every > 0 then sweep(state, leases, token_every) end
  local known = redis.call('HMGET', state, 'r', 't')
  -- Of what is not asked for now the key is kept as long as it says something.
  charge.until_full = math.max(number(known[1]), number(known[2]))
  if concurrent > 0 then
    places = concurrent - redis.call('ZCARD', leases) - 1
    if places < 0 then kind, places = 1, 0 end
  end
  if every > 0 then
    local wait, tat
    wait, tat, left, full = bucket(kept(state, 'r', known[1], every, burst), every, burst, requests)
    charge.r = tat
    if wait > 0 and kind == 0 then kind, waits = 2, wait end
  end
  if token_every > 0 then
    local wait, tat
    wait, tat, tokens_left, tokens_full = bucket(
      kept(state, 't', known[2], token_every, token_burst), token_every, token_burst, tokens)
    charge.t = tat
    if wait > 0 and kind == 0 then kind, waits = 3, wait end
  end
  if concurrent > 0 or token_every > 0 then
    charge.lease = id .. '|' .. string.format('%.0f', token_every > 0 and math.min(tokens, token_burst) or 0)
  end
  if kind == 0 then charges[#charges + 1] = charge elseif not shadow then allowed = false end
  for _, figure in ipairs({kind, waits, left, full, tokens_left, tokens_full, places}) do
    answer[#answer + 1] = math.ceil(figure)
  end
end

if not allowed then
  answer[1] = 0
  return answer
end
for _, charge in ipairs(charges) do
  if charge.r then redis.call('HSET', charge.state, 'r', text(charge.r)) end
  if charge.t then redis.call('HSET', charge.state, 't', text(charge.t)) end
  if charge.r or charge.t then
    -- Kept a lease longer than it says anything, because a lease that ends may still change it.
    keep(charge.state, math.max(charge.r or now, charge.t or now, charge.until_full) - now + lease)
  end
  if charge.lease then
    redis.call('ZREM', charge.leases, id .. '|0')
    redis.call('ZADD', charge.leases, text(now + lease), charge.lease)
    redis.call('PEXPIRE', charge.leases, 2 * lease)
  end
end
return answer
`;

/**
 * KEYS: state and leases of each limit that was charged. ARGV: lease id, tokens used, 1 when an earlier call may have done
 * it already, then token interval, token burst and reserved tokens each.
 */
export const SETTLE = `${NOW}
local id, used = ARGV[1], tonumber(ARGV[2])
for i = 1, #KEYS / 2 do
  local state, leases = KEYS[2 * i - 1], KEYS[2 * i]
  local interval, burst, reserved = tonumber(ARGV[1 + 3 * i]), tonumber(ARGV[2 + 3 * i]), tonumber(ARGV[3 + 3 * i])
  local tokens = used
  -- Not a number: nothing is known of what was used.
  if not (tokens == tokens) then tokens = reserved end
  local had = redis.call('ZREM', leases, id .. '|' .. string.format('%.0f', reserved))
  -- Its place may be held without tokens as well, where a renewal was under way while they were reserved.
  local bare = redis.call('ZREM', leases, id .. '|0')
  if had == 0 then
    -- It had ended, or Redis came back empty: nothing of it is reserved any more.
    reserved = 0
    if bare == 0 and ARGV[3] == '1' then tokens = 0 end
  end
  if interval > 0 and tokens ~= reserved then
    local tat = number(redis.call('HGET', state, 't'))
    if tokens > reserved then tat = math.max(tat, now) end
    tat = math.min(tat + (tokens - reserved) * interval, latest(interval, burst))
    local lasts = redis.call('PTTL', state)
    redis.call('HSET', state, 't', text(tat))
    keep(state, math.max(lasts, tat - now))
  end
end
return 1
`;

/**
 * KEYS: states. ARGV: request interval and request burst each; a negative interval gives back. Charges a request that was
 * let through without asking, beyond the bucket if need be.
 */
export const OWE = `${NOW}
for i = 1, #KEYS do
  local tat, interval = number(redis.call('HGET', KEYS[i], 'r')), tonumber(ARGV[2 * i - 1])
  if interval > 0 then tat = math.max(tat, now) end
  tat = math.min(tat + interval, latest(math.abs(interval), tonumber(ARGV[2 * i])))
  local lasts = redis.call('PTTL', KEYS[i])
  redis.call('HSET', KEYS[i], 'r', text(tat))
  keep(KEYS[i], math.max(lasts, tat - now))
end
return #KEYS
`;

/** KEYS: lease sets. ARGV: lease in ms, then lease id and reserved tokens each. A lease that was lost is taken anew, without tokens. */
export const RENEW = `${NOW}
local lease = tonumber(ARGV[1])
for i = 1, #KEYS do
  local id, reserved = ARGV[2 * i], ARGV[2 * i + 1]
  local member = id .. '|' .. reserved
  if not redis.call('ZSCORE', KEYS[i], member) then member = id .. '|0' end
  redis.call('ZADD', KEYS[i], text(now + lease), member)
  redis.call('PEXPIRE', KEYS[i], 2 * lease)
end
return #KEYS
`;

/** KEYS: the replicas. ARGV: this one's id, how long it counts without another beat, ms. Answer: how many there are. */
export const BEAT = `${NOW}
redis.call('ZADD', KEYS[1], text(now + ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
redis.call('PEXPIRE', KEYS[1], 10 * ARGV[2])
return redis.call('ZCARD', KEYS[1])
`;
