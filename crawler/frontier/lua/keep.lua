-- keep: something about a job is written into its record once. Who comes later
-- does not change it, nor bring a job back that was removed.
-- KEYS[1]  the job
-- ARGV     field, value
-- Returns  1; 0 when it is there already, or there is no such job

if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1]) -- first: so a full Redis takes what follows, and a job can be cleared there
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
