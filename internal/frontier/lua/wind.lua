-- wind: stops a job from fetching because of a budget, unless its settings have changed since
-- they were read.
-- KEYS[1]  the job
-- ARGV     the budget ('' lets it fetch again), revision of the settings that were read
-- Returns  1; 0 if they have changed, or there is no such job

local h = redis.call('HMGET', KEYS[1], 'settings', 'revision')
if not h[1] or (h[2] or '0') ~= ARGV[2] then return 0 end
if ARGV[1] == '' then
  redis.call('HDEL', KEYS[1], 'ending')
else
  redis.call('HSET', KEYS[1], 'ending', ARGV[1])
end
return 1
