-- changes: records up to where the changes of a job's pages were told to its webhooks. It does not
-- bring back a job that was removed.
-- KEYS[1]  the job's webhooks
-- KEYS[2]  the job
-- ARGV     a cursor, how many events told of changes so far
-- Returns  1; 0 if there is no such job

if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'changes_cursor', ARGV[1], 'changes_number', ARGV[2])
return 1
