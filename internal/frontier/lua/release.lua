-- release: makes a broken host, kept by sweep, due again.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch

local h = redis.call('HMGET', HOST(ARGV[1]), 'state', 'epoch', 'gap', 'address')
if h[1] ~= 'broken' or h[2] ~= ARGV[2] then return 0 end
redis.call('ZREM', OPEN, ARGV[1])
depart(ARGV[1], h[4], tonumber(h[3] or 0))
rest(ARGV[1], tonumber(h[3] or 0))
return 1
