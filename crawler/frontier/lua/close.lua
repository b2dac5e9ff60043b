-- close: a visit gives its host back, and what it has not settled to the front
-- of the queue.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, milliseconds in which no request may be made to the host,
--          strikes of the host, the last one's reason, its traps, milliseconds in which no
--          request may be made to its address, and in which no visit is due, a URL that failed
--          and why
-- Returns  how many URLs went back

local host, epoch, wait, strikes, trouble = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
if not holds(host, epoch) then return STALE end
redis.call('ZREM', OPEN, host)
if strikes == '0' then
  redis.call('HDEL', HOST(host), 'strikes', 'trouble')
else
  redis.call('HSET', HOST(host), 'strikes', strikes, 'trouble', trouble)
end
if ARGV[6] == '' then
  redis.call('HDEL', HOST(host), 'traps')
else
  redis.call('HSET', HOST(host), 'traps', ARGV[6])
end
if ARGV[9] ~= '' then
  redis.call('LPUSH', FAILURES, ARGV[9])
  redis.call('LTRIM', FAILURES, 0, 49)
end
local back = requeue(host, 0)
depart(host, tonumber(ARGV[7]))
rest(host, wait, tonumber(ARGV[8]))
return back
