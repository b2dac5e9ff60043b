-- giveup: makes the event that hosts of a job were given up, unless another call has made it.
-- KEYS[1]  the job
-- KEYS[2]  its events
-- ARGV     the numbers told so far, as they were read ('': none), the numbers told with this event,
--          the hosts, milliseconds that must have passed since the last such event
-- Returns  1; 0 if the event was made before, or it is too early

local h = redis.call('HMGET', KEYS[1], 'state', 'givenup', 'givenupat')
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if not h[1] or (h[2] or '') ~= ARGV[1] or now - tonumber(h[3] or 0) < tonumber(ARGV[4]) then return 0 end
redis.call('HDEL', KEYS[1], 'givenup') -- first, so that a full Redis accepts the following writes
redis.call('HSET', KEYS[1], 'givenup', ARGV[2], 'givenupat', now)
emit(KEYS[1], KEYS[2], 'host_given_up', now, ARGV[3])
return 1
