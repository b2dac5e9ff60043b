-- close: a visit gives its host back, and what it has not settled to the front
-- of the queue.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, milliseconds in which no request may be made to the host,
--          strikes of the host, the last one's reason, its traps, milliseconds in which no
--          request may be made to its address, and in which no visit is due, a URL that failed
--          and why, milliseconds since the last request of the visit (-1: it made none), between
--          requests that the job owes the host, and for which the host waits for its turn if
--          another job wants it, '1' if one does for certain
-- Returns  other jobs that want the host, as rival.lua noted them

local host, epoch, wait, strikes, trouble = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'rivals', 'woken')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
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
requeue(host, 0)
depart(host, tonumber(ARGV[7]))
if ARGV[10] ~= '-1' then
  redis.call('HSET', HOST(host), 'gap', ARGV[11], 'last', now_ms() + 1 - ARGV[10])
else
  redis.call('HSET', HOST(host), 'gap', ARGV[11])
end
local parked, lined = tonumber(ARGV[8]), h[3] or ARGV[13] == '1'
if lined and h[4] then
  parked = math.max(parked, tonumber(h[4]) - now_ms()) -- its turn came before it lined up
elseif lined then
  parked = math.max(parked, tonumber(ARGV[12]))
end
rest(host, wait, parked)
if lined and redis.call('HGET', HOST(host), 'state') == 'due' then
  redis.call('HSET', HOST(host), 'lined', 1)
end
return h[3] or ''
