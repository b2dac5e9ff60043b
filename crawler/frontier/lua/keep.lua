-- keep: something about a job is written into its record once. Who comes later
-- does not change it, nor bring a job back that was removed.
-- KEYS[1]  the job
-- ARGV     field, value
-- Returns  1; 0 when it is there already, or there is no such job

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
