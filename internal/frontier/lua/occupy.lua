-- occupy: a visit claims the address of its host, so that hosts that share an address are visited
-- one after the other.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, address
-- Returns  milliseconds until a request may be made to the address, -1 if another visit has it;
--          the number of hosts that wait for it

local host, epoch, lease, ip = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if not holds(host, epoch) then return STALE end
extend(host, lease)
local a = redis.call('HMGET', ADDRESS(ip), 'host', 'epoch', 'next')
if a[1] and a[1] ~= host then
  local h = redis.call('HMGET', HOST(a[1]), 'state', 'epoch')
  if (h[1] == 'open' or h[1] == 'broken') and h[2] == a[2] then
    if redis.call('HGET', HOST(host), 'parked') ~= ip then
      redis.call('HSET', HOST(host), 'parked', ip)
      redis.call('RPUSH', PARKED(ip), host)
    end
    return { -1, 0 }
  end
end
redis.call('HDEL', HOST(host), 'parked')
redis.call('HSET', ADDRESS(ip), 'host', host, 'epoch', epoch)
redis.call('PERSIST', ADDRESS(ip))
redis.call('HSET', HOST(host), 'address', ip)
return { math.max(0, tonumber(a[3] or 0) - now_ms()), redis.call('LLEN', PARKED(ip)) }
