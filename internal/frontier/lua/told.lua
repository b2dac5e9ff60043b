-- told: records up to which event a job's events were passed on, and drops the oldest of these.
-- KEYS[1]  the job
-- KEYS[2]  its events
-- ARGV     number of the last event that was passed on, how many of these to keep
-- Returns  1; 0 if a later one was passed on, or there is no such job

local h = redis.call('HMGET', KEYS[1], 'events', 'told')
local told, last = tonumber(ARGV[1]), tonumber(h[1] or 0)
if told <= tonumber(h[2] or 0) or told > last then return 0 end
redis.call('HDEL', KEYS[1], 'told') -- first, so that a full Redis accepts the following write
redis.call('HSET', KEYS[1], 'told', ARGV[1])
local first = last - redis.call('LLEN', KEYS[2]) + 1
local keep = math.min(told, last - ARGV[2]) + 1
if keep > first then redis.call('LTRIM', KEYS[2], keep - first, -1) end
return 1
