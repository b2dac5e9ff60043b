-- open: the visit with the epoch of an armed host takes the host.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, worker
-- Returns  milliseconds until a request may be made; pages fetched by earlier visits; consecutive
--          failures of the host, and the last one's reason; the host's rules; its traps;
--          milliseconds since the last request of an earlier visit, -1 if unknown; milliseconds
--          between requests that it owed the host; the error class of the last failure

local host, epoch, lease, worker = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'next', 'pages', 'strikes', 'trouble', 'rules', 'traps', 'last', 'gap', 'class')
if h[1] ~= 'armed' or h[2] ~= epoch then return STALE end
local now = now_ms()
redis.call('ZREM', ARMED, host)
redis.call('ZADD', OPEN, now + lease, host)
redis.call('HSET', HOST(host), 'state', 'open', 'worker', worker, 'turn', 0)
count('visits', 1)
local ago = h[9] and math.max(0, now - tonumber(h[9])) or -1
return { math.max(0, tonumber(h[3] or 0) - now), tonumber(h[4] or 0), tonumber(h[5] or 0), h[6] or '', h[7] or '', h[8] or '', ago, tonumber(h[10] or 0), h[11] or '' }
