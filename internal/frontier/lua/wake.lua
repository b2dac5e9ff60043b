-- wake: makes a host that waits for its turn due, because another job's visit has ended.
-- KEYS[1]  the shard's base
-- ARGV     host, milliseconds until then
-- Returns  1; 0 if the job wants no visit

local host, wait = ARGV[1], tonumber(ARGV[2])
local h = redis.call('HMGET', HOST(host), 'state', 'next', 'rules')
if h[1] == 'armed' then return 1 end
if h[1] == 'open' then -- its visit is about to line up
  redis.call('HSET', HOST(host), 'woken', string.format('%d', now_ms() + wait))
  return 1
end
if h[1] ~= 'due' or paused(h[3]) then return 0 end
line_up(host, math.max(now_ms() + wait, tonumber(h[2] or 0)), is_urgent(host))
redis.call('HDEL', HOST(host), 'lined')
return 1
