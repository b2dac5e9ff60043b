-- note: something about a job is written into its record. One that was removed
-- meanwhile does not come back by it.
-- KEYS[1]  the job
-- ARGV     field, value, field, value, …
-- Returns  1; 0 when there is no such job

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1]) -- first: so a full Redis takes what follows
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
