-- changes: records how far the webhooks of a job have been told of the changes of its pages. It
-- does not bring back a job that was removed.
-- KEYS[1]  the job's webhooks
-- KEYS[2]  the job
-- ARGV     a cursor, how many events told of changes so far
-- Returns  1; 0 if there is no such job

if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'changes_cursor', ARGV[1], 'changes_number', ARGV[2])
return 1
