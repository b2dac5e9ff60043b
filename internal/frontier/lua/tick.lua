-- tick: records that a tick of a periodic job was handled, unless a later one was.
-- KEYS[1]  the job
-- ARGV     the tick in unix milliseconds, the job's last run
-- Returns  1; 0 if a later one was, or there is no such job

local h = redis.call('HMGET', KEYS[1], 'settings', 'tick')
if not h[1] or tonumber(h[2] or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'tick', ARGV[1], 'run', ARGV[2])
return 1
