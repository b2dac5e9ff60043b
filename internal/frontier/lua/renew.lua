-- renew: extends a visit's deadline, and stores the gap that it owes its host.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, milliseconds between requests
-- Returns  the host's rules; other jobs that want it; 1 if a host of the shard has been due for
--          SHORT milliseconds without a visit, because the fleet has no free place; '1' if the
--          visit is recalled

local SHORT = 300
if not holds(ARGV[1], ARGV[2]) then return STALE end
extend(ARGV[1], ARGV[3])
redis.call('HSET', HOST(ARGV[1]), 'gap', ARGV[4])
local late = redis.call('ZRANGEBYSCORE', DUE, '-inf', now_ms() - SHORT, 'LIMIT', 0, 1)
local h = redis.call('HMGET', HOST(ARGV[1]), 'rules', 'rivals', 'recalled')
return { h[1] or '', h[2] or '', #late, h[3] or '' }
