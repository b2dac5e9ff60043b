-- prolong: the worker that has segments lives, and brings them where they belong.
-- KEYS[1]  the shard's base
-- ARGV     milliseconds in which it must be heard of again, then segments
-- Returns  how many segments the shard has at all

if redis.call('EXISTS', SEGMENTS) == 0 then return 0 end
local deadline = now_ms() + ARGV[1]
for i = 2, #ARGV do redis.call('ZADD', SEGMENTS, 'XX', deadline, ARGV[i]) end
return redis.call('ZCARD', SEGMENTS)
