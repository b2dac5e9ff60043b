-- prolong: the worker that has these segments is alive and will ship them.
-- KEYS[1]  the shard's base
-- ARGV     milliseconds within which it must report again, then segments
-- Returns  how many segments the shard has in total

if redis.call('EXISTS', SEGMENTS) == 0 then return 0 end
local deadline = now_ms() + ARGV[1]
for i = 2, #ARGV do redis.call('ZADD', SEGMENTS, 'XX', deadline, ARGV[i]) end
return redis.call('ZCARD', SEGMENTS)
