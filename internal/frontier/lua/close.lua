-- close: a visit gives its host back, and the URLs that it has not settled return to the front of
-- the queue.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, milliseconds in which no request may be made to the host, consecutive
--          failures of the host, the last one's reason, its traps, milliseconds in which no
--          request may be made to its address, milliseconds in which no visit is due, a URL that
--          failed and why, milliseconds since the last request that the visit knows of (-1:
--          none), milliseconds between requests that the job owes the host, milliseconds for
--          which the host waits for its turn if another job wants it, '1' if one does for
--          certain, the error class of the last failure, milliseconds that the visit kept between
--          requests, whoever owes them
-- Returns  other jobs that want the host, as rival.lua noted them

local host, epoch, wait, strikes, trouble = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'rivals', 'woken')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
redis.call('ZREM', OPEN, host)
local leaves, takes = { 'gap', ARGV[11] }, {}
if strikes == '0' then
  takes[1], takes[2], takes[3] = 'strikes', 'trouble', 'class'
else
  leaves[3], leaves[4], leaves[5], leaves[6], leaves[7], leaves[8] = 'strikes', strikes, 'trouble', trouble, 'class', ARGV[14]
end
if ARGV[6] == '' then
  takes[#takes + 1] = 'traps'
else
  leaves[#leaves + 1], leaves[#leaves + 2] = 'traps', ARGV[6]
end
if tonumber(ARGV[15]) > tonumber(ARGV[11]) then
  leaves[#leaves + 1], leaves[#leaves + 2] = 'kept', ARGV[15]
else
  takes[#takes + 1] = 'kept'
end
if ARGV[10] ~= '-1' then leaves[#leaves + 1], leaves[#leaves + 2] = 'last', now_ms() + 1 - ARGV[10] end
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
if rest(host, wait, parked, leaves, takes) and lined then redis.call('HSET', HOST(host), 'lined', 1) end
return h[3] or ''
