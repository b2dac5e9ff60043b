-- age: records that a running job is kept going, and adds the time since that was last recorded
-- to its age. Pauses and times without a scheduler do not count.
-- KEYS[1]  the job
-- ARGV[1]  the most milliseconds to add
-- Returns  milliseconds for which the job has run

local key = KEYS[1]
local h = redis.call('HMGET', key, 'state', 'ran', 'kept')
if h[1] ~= 'running' then return tonumber(h[2] or 0) or 0 end
if h[2] and not tonumber(h[2]) then redis.call('HDEL', key, 'ran') end -- garbage
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local since = math.max(0, math.min(now - (tonumber(h[3] or now) or now), tonumber(ARGV[1])))
redis.call('HSET', key, 'kept', now)
return redis.call('HINCRBY', key, 'ran', since)
