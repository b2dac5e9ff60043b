-- arm: hosts that are due get a new epoch and await the visit that is about to
-- be enqueued for them.
-- KEYS[1]  the shard's base
-- ARGV[1]  the most hosts
-- ARGV[2]  milliseconds in which each visit must be opened
-- Returns  host, epoch, host, epoch, …

local now = now_ms()
local orders = {}
for _, host in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, ARGV[1])) do
  redis.call('ZREM', DUE, host)
  redis.call('ZADD', ARMED, now + ARGV[2], host)
  redis.call('HSET', HOST(host), 'state', 'armed')
  orders[#orders + 1] = host
  orders[#orders + 1] = redis.call('HINCRBY', HOST(host), 'epoch', 1)
end
return orders
