-- finish: settles URLs, as settle does. If the host has no URL left after that, the visit gives it
-- back in the same call, as close does.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds; 14 arguments as for close, behind the epoch; then
--          the arguments of settle, behind the lease
-- Returns  pages fetched in the visit, including these; 1 if the visit has ended; other jobs that
--          want the host. The call may be repeated

local host, epoch, lease = ARGV[1], ARGV[2], ARGV[3]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'turn', 'pages', 'rivals', 'woken', 'address')
if not h[1] and h[2] == epoch then
  -- The host is idle since this visit: an earlier call has ended it. If the visit had been swept,
  -- the URLs to be settled would wait.
  return { tonumber(h[3]), 1, '' }
end
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
local counts = settle_urls(host, 18, h[3], h[4])
if idle(host) then
  redis.call('ZREM', OPEN, host)
  give_back(host, 4, h[5], h[6], h[7], counts, true)
  return { counts[2], 1, h[5] or '' }
end
redis.call('ZADD', OPEN, now_ms() + lease, host)
redis.call('HSET', HOST(host), unpack(counts))
return { counts[2], 0, '' }
