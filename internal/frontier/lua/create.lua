-- create: creates the record of a job, unless the name is taken.
-- KEYS[1]  the job
-- ARGV     settings, state, the periodic job that it is a run of ('' for none), whether hosts are
--          opened for it (1 or 0), the only worker that may serve it ('' for any), the event that it
--          follows ('' for none)
-- Returns  1; 0 if the name is taken

local t = redis.call('TIME')
if redis.call('HSETNX', KEYS[1], 'settings', ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2], 'created', t[1] * 1000 + math.floor(t[2] / 1000))
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'run_of', ARGV[3]) end
if ARGV[4] == '1' or ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'opens', ARGV[4], 'owner', ARGV[5]) end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'after', ARGV[6]) end
return 1
