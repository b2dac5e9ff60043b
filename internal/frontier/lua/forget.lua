-- forget: makes settled URLs count as never seen, so that they are admitted when a page links to
-- them. The count of URLs that the job had seen until then is kept.
-- KEYS[1]  the shard's base
-- ARGV     for each URL: its group and its member of seen; findings (seen.lua)
-- Returns  how many were seen; then, for each that is undecided, its member and the reference to a
--          block

local had = redis.call('HMGET', COUNT, 'seen', 'known')
redis.call('HSET', COUNT, 'known', math.max(tonumber(had[1] or 0), tonumber(had[2] or 0)))
local forgotten = 0
for i = 1, #ARGV, 2 do forgotten = forgotten + unsee(ARGV[i], ARGV[i + 1]) end
count('seen', -forgotten)
return { forgotten, unpack(undecided) }
