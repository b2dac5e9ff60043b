-- take: URLs go from a host's queues into flight: those whose pause has passed,
-- then band by band, the oldest first.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, the most URLs, milliseconds between requests
-- Returns  the host's rules, then ticket, packed entry, ticket, packed entry, …

local host, epoch, lease, most, gap = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
if not holds(host, epoch) then return STALE end
local now = now_ms()
redis.call('ZADD', OPEN, now + lease, host)
redis.call('HSET', HOST(host), 'gap', gap)
local rules = redis.call('HGET', HOST(host), 'rules') or ''

local bands, entries = {}, {}
local function collect(band, found)
  for _, entry in ipairs(found) do
    bands[#bands + 1], entries[#entries + 1] = band, entry
  end
end
local ripe = redis.call('ZRANGEBYSCORE', LATER(host), '-inf', now, 'LIMIT', 0, most)
if #ripe > 0 then
  redis.call('ZREM', LATER(host), unpack(ripe))
  collect(0, ripe)
end
for band = 0, BANDS - 1 do
  if #entries < most then
    collect(band, redis.call('LPOP', QUEUE(band, host), most - #entries) or {})
  end
end
if #entries == 0 then return { rules } end

local last = redis.call('HINCRBY', HOST(host), 'ticket', #entries)
local taken = { rules }
for i, entry in ipairs(entries) do
  taken[#taken + 1] = bands[i] .. ':' .. (last - #entries + i)
  taken[#taken + 1] = entry
end
redis.call('HSET', FLIGHT(host), unpack(taken, 2))
count('waiting', -#entries)
count('flight', #entries)
return taken
