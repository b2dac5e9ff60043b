-- appear: a process of the fleet shows a sign of life. Processes whose term has passed are
-- removed, at most a hundred a call.
-- KEYS[1]  the processes
-- ARGV[1]  the process, as JSON
-- ARGV[2]  milliseconds after which it is forgotten unless it appears again; 0: at once
-- Returns  1

local key, process, term = KEYS[1], ARGV[1], tonumber(ARGV[2])
if term == 0 then
  redis.call('ZREM', key, process)
  return 1
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', key, gone)
end
redis.call('ZADD', key, now + term, process)
return 1
