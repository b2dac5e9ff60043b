-- close: a visit gives its host back, and the URLs that it has not settled return to the front of
-- the queue.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, milliseconds in which no request may be made to the host, consecutive
--          failures of the host, the last one's reason, its traps, milliseconds in which no
--          request may be made to its address, milliseconds in which no visit is due, a URL that
--          failed and why, milliseconds since the last request that the visit knows of (-1:
--          none), milliseconds between requests that the job owes the host, milliseconds for
--          which the host waits for its turn if another job wants it, '1' if one does for
--          certain, the error class of the last failure, milliseconds that the visit kept between
--          requests, for all jobs, how long the host's responses took ('': unknown), '1' if the
--          host is given up
-- Returns  other jobs that want the host, as rival.lua noted them

local host, epoch = ARGV[1], ARGV[2]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'rivals', 'woken', 'address')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
redis.call('ZREM', OPEN, host) -- first, so that a visit ends in a full Redis
requeue(host, 0)
give_back(host, 3, h[3], h[4], h[5], {})
return h[3] or ''
