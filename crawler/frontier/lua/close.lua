-- close: a visit gives its host back, and what it has not settled to the front
-- of the queue.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, milliseconds in which no request may be made to the host,
--          strikes of the host, the last one's reason, its traps, milliseconds in which no
--          request may be made to its address, and in which no visit is due, a URL that failed
--          and why, milliseconds since the last request that the visit knows of (-1: none), between
--          requests that the job owes the host, and for which the host waits for its turn if
--          another job wants it, '1' if one does for certain
-- Returns  other jobs that want the host, as rival.lua noted them

local host, epoch, wait, strikes, trouble = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'rivals', 'woken')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
redis.call('ZREM', OPEN, host)
local gone, kept = {}, { 'gap', ARGV[11] }
if strikes == '0' then
  gone[1], gone[2] = 'strikes', 'trouble'
else
  kept[3], kept[4], kept[5], kept[6] = 'strikes', strikes, 'trouble', trouble
end
if ARGV[6] == '' then
  gone[#gone + 1] = 'traps'
else
  kept[#kept + 1], kept[#kept + 2] = 'traps', ARGV[6]
end
if ARGV[10] ~= '-1' then kept[#kept + 1], kept[#kept + 2] = 'last', now_ms() + 1 - ARGV[10] end
if #gone > 0 then redis.call('HDEL', HOST(host), unpack(gone)) end
redis.call('HSET', HOST(host), unpack(kept))
if ARGV[9] ~= '' then
  redis.call('LPUSH', FAILURES, ARGV[9])
  redis.call('LTRIM', FAILURES, 0, 49)
end
requeue(host, 0)
depart(host, tonumber(ARGV[7]))
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
