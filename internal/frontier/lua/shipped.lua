-- shipped: settles the URLs of a segment for good, because all its records have reached their
-- destination. It may be repeated.
-- KEYS[1]  the shard's base
-- ARGV[1]  the segment
-- Returns  how many URLs were settled in it

local segment = ARGV[1]
local n = tonumber(redis.call('HGET', UNSHIPPED, segment) or 0)
local held = redis.call('EXISTS', SEGMENT(segment)) == 1
local awaited = redis.call('ZREM', SEGMENTS, segment) == 1
redis.call('HDEL', UNSHIPPED, segment)
redis.call('HDEL', RECLAIMED, segment)
redis.call('UNLINK', SEGMENT(segment))
if n == 0 then return 0 end
count(held and 'unshipped' or awaited and 'ondisk' or 'lost', -n)
count('shipped', n)
return n
