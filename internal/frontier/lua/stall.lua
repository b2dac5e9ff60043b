-- stall: makes the event that a running job has settled nothing for long, once for each number of
-- settled URLs.
-- KEYS[1]  the job
-- KEYS[2]  its events
-- ARGV     number of URLs that are settled, how long it has been that number
-- Returns  1; 0 if the event was made before, or the job does not run

local h = redis.call('HMGET', KEYS[1], 'state', 'stalled')
if h[1] ~= 'running' or h[2] == ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'stalled', ARGV[1])
local t = redis.call('TIME')
emit(KEYS[1], KEYS[2], 'stalled', t[1] * 1000 + math.floor(t[2] / 1000), ARGV[2])
return 1
