-- open: the visit with the epoch of an armed host takes the host, and its first URLs.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, worker, the most URLs (0: none), milliseconds
--          between requests that the job owes every host, milliseconds for which URLs are taken
-- Returns  milliseconds until a request may be made; pages fetched by earlier visits; consecutive
--          failures of the host, and the last one's reason; the host's rules; its traps;
--          milliseconds since the last request of an earlier visit, -1 if unknown; milliseconds
--          between requests that it owed the host; the error class of the last failure; how many
--          URLs were wanted; then ticket, packed entry, ticket, packed entry, …

local host, epoch, lease, worker = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local most, gap, ahead = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'next', 'pages', 'strikes', 'trouble', 'rules', 'traps',
  'last', 'gap', 'class', 'ticket')
if h[1] ~= 'armed' or h[2] ~= epoch then return STALE end
local now, owed = now_ms(), tonumber(h[10] or 0)
redis.call('ZREM', ARMED, host)
redis.call('ZADD', OPEN, now + lease, host)
count('visits', 1)

-- A host that an operator has ruled on, or that fails, is left to the visit.
if h[5] or h[7] then most = 0 end
gap = math.max(gap, owed)
if gap > 0 then most = math.min(most, math.max(1, math.floor(ahead / gap))) end
local ago = h[9] and math.max(0, now - tonumber(h[9])) or -1
local answer = {
  math.max(0, tonumber(h[3] or 0) - now), tonumber(h[4] or 0), tonumber(h[5] or 0), h[6] or '', h[7] or '', h[8] or '',
  ago, owed, h[11] or '', most,
}
local bands, entries = {}, {}
if most > 0 then bands, entries = take_waiting(host, most) end
if #entries > 0 then
  gap = string.format('%d', gap)
  put_in_flight(host, bands, entries, h[12], answer, 'state', 'open', 'worker', worker, 'turn', 0, 'gap', gap)
else
  redis.call('HSET', HOST(host), 'state', 'open', 'worker', worker, 'turn', 0)
end
return answer
