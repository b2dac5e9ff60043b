-- wind: stops a job from fetching because of a budget, unless its settings have changed since
-- they were read. The first call for a budget makes an event.
-- KEYS[1]  the job
-- KEYS[2]  its events
-- ARGV     the budget ('' lets it fetch again), revision of the settings that were read
-- Returns  1; 0 if they have changed, or there is no such job

local h = redis.call('HMGET', KEYS[1], 'settings', 'revision', 'ending')
if not h[1] or (h[2] or '0') ~= ARGV[2] then return 0 end
if ARGV[1] == '' then
  redis.call('HDEL', KEYS[1], 'ending')
else
  redis.call('HSET', KEYS[1], 'ending', ARGV[1])
  if (h[3] or '') ~= ARGV[1] and string.match(ARGV[1], '^%a+$') then -- a handler stops a job with a sentence
    local t = redis.call('TIME')
    emit(KEYS[1], KEYS[2], 'budget', t[1] * 1000 + math.floor(t[2] / 1000), 'budget of ' .. ARGV[1])
  end
end
return 1
