-- await: a writer makes the job's end wait for its output, or stops that.
-- KEYS[1]  the awaited writers: "DEADLINE REASON" for each
-- KEYS[2]  the job; a removed job waits for no one
-- ARGV[1]  the writer
-- ARGV[2]  what is left to do; '' to let the job end
-- ARGV[3]  milliseconds after which the job stops waiting
-- Returns  1; 0 if nothing had to be changed

local key, writer, reason, term = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
if reason == '' then return redis.call('HDEL', key, writer) end
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local all = redis.call('HGETALL', key) -- workers that serve the job, or died within the last day
for i = 1, #all, 2 do
  if tonumber(string.match(all[i + 1], '^%d+') or 0) < now - 86400000 then redis.call('HDEL', key, all[i]) end
end
redis.call('HSET', key, writer, now + term .. ' ' .. reason)
return 1
