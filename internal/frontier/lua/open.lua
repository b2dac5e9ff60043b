-- open: the visit with the epoch of an armed host takes the host, and its first URLs. A call that
-- is repeated, because its answer was lost, returns the same URLs.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, worker, the most URLs (0: none), milliseconds
--          between requests that the job owes every host, milliseconds for which URLs are taken,
--          the call's name ('': it is not repeated)
-- Returns  milliseconds until a request may be made; pages fetched by earlier visits; consecutive
--          failures of the host, and the last one's reason; the host's rules; its traps;
--          milliseconds since the last request of an earlier visit, -1 if unknown; milliseconds
--          between requests that it owed the host; the error class of the last failure; how many
--          URLs were wanted; how long its responses took (package latency); then ticket, packed entry, ticket, packed entry, …

local host, epoch, lease, worker = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local most, gap, ahead, call = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'next', 'pages', 'strikes', 'trouble', 'rules', 'traps',
  'last', 'gap', 'class', 'ticket', 'call', 'latency')
local again = h[1] == 'open' and call ~= '' and h[13] == call
if h[2] ~= epoch or h[1] ~= 'armed' and not again then return STALE end
local now, owed = now_ms(), tonumber(h[10] or 0)
redis.call('ZREM', ARMED, host)
redis.call('ZADD', OPEN, now + lease, host)
if not again then count('visits', 1) end

-- A host that an operator has ruled on, or that fails, is left to the visit.
if h[5] or h[7] then most = 0 end
gap = math.max(gap, owed)
if gap > 0 then most = math.min(most, math.max(1, math.floor(ahead / gap))) end
local ago = h[9] and math.max(0, now - tonumber(h[9])) or -1
local answer = {
  math.max(0, tonumber(h[3] or 0) - now), tonumber(h[4] or 0), tonumber(h[5] or 0), h[6] or '', h[7] or '', h[8] or '',
  ago, owed, h[11] or '', most, h[14] or '',
}
if again then
  for _, url in ipairs(in_flight(host)) do
    answer[#answer + 1], answer[#answer + 2] = url[3], url[4]
  end
  return answer
end
local bands, entries = {}, {}
if most > 0 then bands, entries = take_waiting(host, most) end
if #entries > 0 then
  gap = string.format('%d', gap)
  put_in_flight(host, bands, entries, h[12], answer, 'state', 'open', 'worker', worker, 'call', call, 'turn', 0,
    'gap', gap)
else
  redis.call('HSET', HOST(host), 'state', 'open', 'worker', worker, 'call', call, 'turn', 0)
end
return answer
