-- renew: extends a visit's deadline, and stores the gap that it owes its host.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, milliseconds between requests
-- Returns  the host's rules; other jobs that want it; 1 if a host of the shard has been due for
--          SHORT milliseconds without a visit, because the fleet has no free place; '1' if the
--          visit is recalled

local SHORT = 300
local host, epoch, lease, gap = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'rules', 'rivals', 'recalled', 'gap')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
extend(host, lease)
if h[6] ~= gap then redis.call('HSET', HOST(host), 'gap', gap) end
local late = redis.call('ZRANGEBYSCORE', DUE, '-inf', now_ms() - SHORT, 'LIMIT', 0, 1)
return { h[3] or '', h[4] or '', #late, h[5] or '' }
