-- take: moves URLs from a host's queues into flight.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, the most URLs, milliseconds between requests
-- Returns  the host's rules, other jobs that want it, '1' if the visit is recalled, then ticket,
--          packed entry, ticket, packed entry, …

local host, epoch, lease, most, gap = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'rules', 'rivals', 'recalled', 'gap', 'ticket', 'bands')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
redis.call('ZADD', OPEN, now_ms() + lease, host)
local taken = { h[3] or '', h[4] or '', h[5] or '' }
local bands, entries = take_waiting(host, most, h[8])
if #entries > 0 then
  put_in_flight(host, bands, entries, h[7], taken, 'gap', gap)
elseif h[6] ~= gap then
  redis.call('HSET', HOST(host), 'gap', gap)
end
return taken
