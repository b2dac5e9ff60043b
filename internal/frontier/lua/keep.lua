-- keep: writes a field of a job's record, if it is not set. It does not bring back a job that was
-- removed.
-- KEYS[1]  the job
-- ARGV     field, value
-- Returns  1; 0 if the field exists already, or there is no such job

if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1]) -- first, so that a full Redis accepts the following write and a job can be cleared there
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
