-- await: a writer asks the job's end to wait for its output, or lets it go.
-- KEYS[1]  the writers that are awaited: of each "DEADLINE REASON"
-- KEYS[2]  the job; one that was removed awaits none
-- ARGV[1]  the writer
-- ARGV[2]  what is to be done; '' to let the job end
-- ARGV[3]  milliseconds after which the job waits no longer
-- Returns  1; 0 when there was nothing to note

local key, writer, reason, term = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
if reason == '' then return redis.call('HDEL', key, writer) end
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local all = redis.call('HGETALL', key) -- of the workers that serve the job, or died in the last day
for i = 1, #all, 2 do
  if tonumber(string.match(all[i + 1], '^%d+') or 0) < now - 86400000 then redis.call('HDEL', key, all[i]) end
end
redis.call('HSET', key, writer, now + term .. ' ' .. reason)
return 1
