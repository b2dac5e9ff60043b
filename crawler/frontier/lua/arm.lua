-- arm: hosts that are due get a new epoch and await the visit that is about to
-- be enqueued for them.
-- KEYS[1]  the shard's base
-- ARGV[1]  the most hosts
-- ARGV[2]  milliseconds in which each visit must be opened
-- Returns  host, epoch, host, epoch, …

local now = now_ms()
local orders = {}
for _, host in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local epoch = redis.call('HINCRBY', HOST(host), 'epoch', 1) -- first: a full Redis refuses it
  redis.call('HSET', HOST(host), 'state', 'armed')
  redis.call('ZREM', DUE, host)
  redis.call('ZADD', ARMED, now + ARGV[2], host)
  orders[#orders + 1] = host
  orders[#orders + 1] = epoch
end
return orders
