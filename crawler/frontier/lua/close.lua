-- close: a visit gives its host back, and what it has not settled to the front
-- of the queue.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, milliseconds in which no request may be made to the host
-- Returns  how many URLs went back

local host, epoch, wait = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not holds(host, epoch) then return STALE end
redis.call('ZREM', OPEN, host)
local back = requeue(host, 0)
rest(host, wait)
return back
