-- note: writes fields of a job's record. It does not bring back a job that was removed.
-- KEYS[1]  the job
-- ARGV     field, value, field, value, …
-- Returns  1; 0 if there is no such job

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1]) -- first, so that a full Redis accepts the following write
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
