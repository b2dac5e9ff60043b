-- drop: forgets a segment that was reclaimed and whose pages were returned to the job's budget,
-- unless more URLs were settled in it since.
-- KEYS[1]  the shard's base
-- ARGV[1]  the segment
-- Returns  1; 0 if it is not forgotten

if redis.call('EXISTS', SEGMENT(ARGV[1])) == 1 then return 0 end
redis.call('ZREM', SEGMENTS, ARGV[1])
redis.call('HDEL', RECLAIMED, ARGV[1])
return 1
