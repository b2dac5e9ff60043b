-- forget: makes settled URLs count as never seen, so that they are admitted when a page links to
-- them. The number that the job had seen until then is kept as known.
-- KEYS[1]  the shard's base
-- ARGV     members of seen
-- Returns  how many were seen

local had = redis.call('HMGET', COUNT, 'seen', 'known')
redis.call('HSET', COUNT, 'known', math.max(tonumber(had[1] or 0), tonumber(had[2] or 0)))
local forgotten = 0
for i = 1, #ARGV do forgotten = forgotten + unsee(ARGV[i]) end
count('seen', -forgotten)
return forgotten
